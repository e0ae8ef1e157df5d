-- The hundred records updated last, whole.
SELECT *
FROM virus_genome
ORDER BY update_date DESC NULLS LAST, accession
LIMIT 100;
