-- No record has two states at one time.
SELECT source, 'a past state of a record overlaps the one after it' AS fault, accession AS example
FROM (
    SELECT source, accession, valid_from, valid_to FROM virus_genome_history
    UNION ALL
    SELECT source, accession, valid_from, NULL AS valid_to FROM virus_genome
)
QUALIFY valid_to > lead(valid_from) OVER (PARTITION BY source, accession ORDER BY valid_from);
