-- What changed: What has happened to one record since we know it?
-- All of its states, the ended ones and the one shown now. `valid_from` is when our warehouse learnt of a state,
-- `update_date` what NCBI dates it.
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
