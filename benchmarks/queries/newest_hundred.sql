-- The hundred records updated last.
SELECT *
FROM virus_genome
ORDER BY update_date DESC, accession
LIMIT 100;
