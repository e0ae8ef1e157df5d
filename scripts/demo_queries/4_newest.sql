-- The ten newest records, with place, host and lineage
SELECT
    accession_version,
    release_date,
    taxon_name(virus_tax_id) AS virus,
    pango_lineage,
    segment,
    geo_location,
    taxon_name(host_tax_id) AS host,
    collection_date
FROM virus_genome_distinct
ORDER BY release_date DESC, accession
LIMIT 10;
