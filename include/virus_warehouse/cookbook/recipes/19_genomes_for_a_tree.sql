-- Genomes: Which genomes should I use for a tree, evenly over time and place?
-- Complete and natural, with a day and a country, without RefSeq copies; then the longest one per country and month.
-- `row_number` does what `augur filter --group-by country month` does; raise the 1 for more.
SELECT accession_version, country, strftime(collection_date_min, '%Y-%m') AS collected_in, pango_lineage, length
FROM virus_genome_distinct
WHERE
    virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = 2697049)
    AND source_database = 'GenBank'
    AND completeness = 'COMPLETE'
    AND collection_date_precision = 'day'
    AND country IS NOT NULL
    AND NOT coalesce(is_lab_host, false)
QUALIFY
    row_number() OVER (
        PARTITION BY country, date_trunc('month', collection_date_min)
        ORDER BY length DESC, accession
    ) <= 1
ORDER BY country, collected_in;
