-- The replayable quarantined lines of a source -> replay_line, in order of arrival. Excluded are lines stored in part
-- or escaped, and lines loaded with other filters.
-- Reads the variables source and fingerprint.
INSERT INTO replay_line
SELECT held.report, held.raw, held.raw_sha256
FROM warehouse.ops.quarantine AS held
INNER JOIN warehouse.ops.ingest_run AS run ON held.last_run_id = run.run_id
WHERE
    held.source = getvariable('source')
    AND held.replayed_at IS NULL
    AND run.fingerprint = getvariable('fingerprint')
    AND sha256(held.raw) = held.raw_sha256
ORDER BY run.requested_at, held.line_number;
