-- Records by virus and status
SELECT
    virus_name,
    status,
    count(*) AS records,
    min(release_date) AS first_release,
    max(update_date) AS last_update
FROM virus_genome_distinct
GROUP BY virus_name, status
ORDER BY records DESC, virus_name;
