-- One record by its accession, with its history.
SELECT valid_from, NULL AS valid_to, version, update_date
FROM virus_genome
WHERE accession = 'PX257961'
UNION ALL
SELECT valid_from, valid_to, version, update_date
FROM virus_genome_history
WHERE accession = 'PX257961'
ORDER BY valid_from;
