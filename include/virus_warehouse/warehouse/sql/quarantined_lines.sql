-- The refused lines of a source that may be read after all -> replay_line, in the order they came. Not those that were
-- kept in part or in another spelling, nor those that other filters than the present ones brought.
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
