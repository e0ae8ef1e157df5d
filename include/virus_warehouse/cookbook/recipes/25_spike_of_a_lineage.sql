-- Sequences: What are the spike coding sequences of a lineage?
-- The source requests `CDS`. The header of a coding region has its product after the identifier; for other proteins and
-- viruses, replace it, the taxon and the lineage. The column `sequence_id` makes `virus-warehouse fasta --molecule cds`
-- write this coding region only, and not all of the genome. Only annotated genomes have coding regions.
SELECT
    genome.accession_version,
    coding.sequence_id,
    concat_ws('|', 'S', genome.accession_version, genome.pango_lineage, genome.collection_date) AS header,
    coding.length,
    left(coding.sequence, 12) AS begins_with
FROM virus_genome_distinct AS genome
INNER JOIN (
    SELECT DISTINCT ON (sequence_id) accession_version, sequence_id, length, sequence
    FROM virus_sequence
    WHERE molecule = 'cds' AND regexp_extract(header, '^\S+ (.*?)( \[|$)', 1) = 'surface glycoprotein'
) AS coding USING (accession_version)
WHERE
    genome.virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = 2697049)
    AND genome.pango_lineage = 'XFG.3'
ORDER BY genome.accession;
