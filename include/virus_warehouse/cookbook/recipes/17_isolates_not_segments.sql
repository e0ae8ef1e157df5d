-- Counting right: How many influenza viruses are that, and not how many segments?
-- Eight records are one virus. A BioSample, or else the isolate's name with its place and date, tells which belong
-- together; records with neither cannot be joined and are told apart.
SELECT
    taxon_name(virus_tax_id) AS virus,
    count(*) AS records,
    count(DISTINCT coalesce(
        biosample, isolate_name || coalesce(geo_location, '') || coalesce(collection_date, '')
    )) AS isolates,
    count(*) FILTER (biosample IS NULL AND isolate_name IS NULL) AS records_that_cannot_be_joined
FROM virus_genome_distinct
INNER JOIN taxon_lineage ON descendant_tax_id = virus_tax_id
INNER JOIN taxon ON tax_id = ancestor_tax_id
WHERE taxon.name = 'Alphainfluenzavirus'
GROUP BY virus_tax_id
ORDER BY records DESC;
