-- Sequences: Which genomes of one country go into a tree, and under which names?
-- Complete and natural, with at most 1 % ambiguous letters, and each sequence once: of identical ones, the first by
-- date and accession. `virus-warehouse fasta` with this query writes the file, in this order; the column `header`
-- becomes the header. For a lineage, add `pango_lineage` to the condition.
SELECT
    genome.accession_version,
    concat_ws(
        '|', genome.accession_version, replace(genome.country, ' ', '_'), genome.collection_date, genome.pango_lineage
    ) AS header,
    letters.length,
    letters.ambiguous_share
FROM virus_genome_distinct AS genome
INNER JOIN (
    SELECT DISTINCT accession_version, sequence_sha256, length, ambiguous_share
    FROM virus_sequence
    WHERE molecule = 'genome'
) AS letters USING (accession_version)
WHERE
    genome.virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = 2697049)
    AND genome.country = 'USA'
    AND genome.source_database = 'GenBank'
    AND genome.completeness = 'COMPLETE'
    AND genome.collection_date_min IS NOT NULL
    AND NOT coalesce(genome.is_lab_host, false)
    AND letters.ambiguous_share <= 0.01
QUALIFY
    row_number() OVER (PARTITION BY letters.sequence_sha256 ORDER BY genome.collection_date_min, genome.accession) = 1
ORDER BY genome.collection_date_min, genome.accession;
