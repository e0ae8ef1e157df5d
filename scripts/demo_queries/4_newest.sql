-- The ten newest records, with place, host and lineage
SELECT
    accession_version,
    release_date,
    virus_name,
    pango_lineage,
    segment,
    geo_location,
    host_name,
    collection_date
FROM virus_genome_distinct
ORDER BY release_date DESC, accession
LIMIT 10;
