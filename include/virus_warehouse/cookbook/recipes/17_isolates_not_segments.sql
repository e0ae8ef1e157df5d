-- Counting right: How many influenza viruses are there, as opposed to segments?
-- Eight records are one virus. Records are grouped by BioSample, or else by isolate name, place and date; records
-- without either are counted separately.
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
