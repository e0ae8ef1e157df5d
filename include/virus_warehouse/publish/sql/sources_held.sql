-- The sources of a snapshot, held or only run.
SELECT source FROM ops.ingest_run
UNION
SELECT source FROM virus_genome
ORDER BY source;
