-- Counting right: How many records do my sources share, and what is the count without duplicates?
-- A record is stored once for each source that follows it. `virus_genome_distinct` has it once, in its latest state,
-- with the list of `sources`.
SELECT
    array_to_string(sources, ', ') AS held_by,
    count(*) AS records,
    count(*) * len(sources) AS rows_in_virus_genome
FROM virus_genome_distinct
GROUP BY sources
ORDER BY records DESC;
