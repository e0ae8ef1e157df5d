-- Records by virus as they stood at a moment.
SELECT virus_name, count(*) AS records
FROM virus_genome_as_of(now()::TIMESTAMPTZ)
GROUP BY ALL
ORDER BY records DESC;
