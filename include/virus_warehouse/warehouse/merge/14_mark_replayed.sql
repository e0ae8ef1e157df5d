-- Marks the quarantined lines that a replay could read.
-- Reads the variables source, report and valid_from, replay_line and quarantined_line.
UPDATE warehouse.ops.quarantine
SET replayed_at = getvariable('valid_from')
WHERE
    source = getvariable('source')
    AND report = getvariable('report')
    AND raw_sha256 IN (
        SELECT replay_line.raw_sha256 FROM replay_line WHERE replay_line.report = getvariable('report')
    )
    AND raw_sha256 NOT IN (
        SELECT quarantined_line.raw_sha256 FROM quarantined_line WHERE quarantined_line.report = getvariable('report')
    );
