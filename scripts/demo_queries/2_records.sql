-- Records by virus and status
SELECT
    taxon_name(virus_tax_id) AS virus,
    status,
    count(*) AS records,
    min(release_date) AS first_release,
    max(update_date) AS last_update
FROM virus_genome_distinct
GROUP BY virus_tax_id, status
ORDER BY records DESC, virus;
