-- Sequences: Which one genome stands for each patient or isolate?
-- Records of one BioSample are of one sample; without BioSample, those of one isolate name, country and date. Of these
-- the one with the most unambiguous letters is taken, and `records` says of how many. Segments count separately.
-- `virus-warehouse fasta` with this query writes the sequences.
SELECT
    genome.accession_version,
    genome.biosample,
    genome.isolate_name,
    genome.segment,
    letters.length,
    round(letters.length * (1 - letters.ambiguous_share))::BIGINT AS unambiguous,
    count(*) OVER of_sample AS records
FROM virus_genome_distinct AS genome
INNER JOIN (
    SELECT DISTINCT accession_version, length, ambiguous_share FROM virus_sequence WHERE molecule = 'genome'
) AS letters USING (accession_version)
WHERE genome.virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = 2697049)
WINDOW
    of_sample AS (
        PARTITION BY
            CASE
                WHEN genome.biosample IS NOT NULL THEN genome.biosample
                WHEN stated(genome.isolate_name) IS NULL THEN genome.accession
                ELSE concat_ws('|', genome.isolate_name, genome.country, genome.collection_date)
            END,
            genome.virus_tax_id,
            genome.segment
    )
QUALIFY row_number() OVER (of_sample ORDER BY unambiguous DESC, genome.accession) = 1
ORDER BY genome.accession;
