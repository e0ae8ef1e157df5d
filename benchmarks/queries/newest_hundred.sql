-- The hundred most recently updated records, with all columns.
SELECT *
FROM virus_genome
ORDER BY update_date DESC NULLS LAST, accession
LIMIT 100;
