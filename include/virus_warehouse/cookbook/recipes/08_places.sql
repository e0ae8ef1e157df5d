-- Surveillance: Where do the genomes come from, as precisely as submitters state it?
-- `country` and `division` are parts of INSDC's `geo_location`, `geo_region` and `usa_state` are NCBI's own. The share
-- with a division shows how far a map of provinces can be trusted.
SELECT
    coalesce(geo_region, 'not stated') AS region,
    coalesce(country, 'not stated') AS country,
    count(*) AS genomes,
    count(DISTINCT division) AS divisions,
    round(100 * count(division) / count(*))::INTEGER AS percent_with_division
FROM virus_genome_distinct
GROUP BY geo_region, virus_genome_distinct.country
ORDER BY genomes DESC, country;
