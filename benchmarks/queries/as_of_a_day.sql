-- Records by virus as of a given time.
SELECT taxon_name(virus_tax_id) AS virus, count(*) AS records
FROM virus_genome_as_of(now()::TIMESTAMPTZ)
GROUP BY virus_tax_id
ORDER BY records DESC;
