-- Genomes: Which accessions should NCBI's client download sequences for?
-- For sources that request no [sequences](sequences.md); of the others, `virus-warehouse fasta` with this query writes
-- them. In `virus-warehouse sql`, `.mode list`, `.headers off` and `.once accessions.txt` before the query write a file
-- for `datasets download virus genome accession --inputfile accessions.txt`.
SELECT accession_version
FROM virus_genome_distinct
WHERE
    virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = 10244)
    AND country = 'Democratic Republic of the Congo'
    AND completeness = 'COMPLETE'
    AND collection_date_min >= DATE '2026-01-01'
ORDER BY accession_version;
