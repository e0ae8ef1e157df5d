-- The sources of a snapshot with records or runs.
SELECT source FROM ops.ingest_run
UNION
SELECT source FROM virus_genome
ORDER BY source;
