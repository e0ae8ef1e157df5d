-- What changed: What is the history of a record?
-- All its states, ended ones and the current one. `valid_from` is when the warehouse loaded a state, `update_date` is
-- NCBI's date.
SELECT
    accession_version,
    length,
    isolate_source,
    update_date,
    valid_from::DATE AS known_from,
    valid_to::DATE AS known_to,
    ended_by
FROM (
    FROM virus_genome_history
    UNION ALL BY NAME
    FROM virus_genome
)
WHERE source = 'viruses' AND accession = 'PX258132'
ORDER BY valid_from;
