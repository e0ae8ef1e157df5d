-- The quarantined lines that were read now.
-- Reads the variables source, report and valid_from, replay_line and refused_line.
UPDATE warehouse.ops.quarantine
SET replayed_at = getvariable('valid_from')
WHERE
    source = getvariable('source')
    AND report = getvariable('report')
    AND raw_sha256 IN (
        SELECT replay_line.raw_sha256 FROM replay_line WHERE replay_line.report = getvariable('report')
    )
    AND raw_sha256 NOT IN (
        SELECT refused_line.raw_sha256 FROM refused_line WHERE refused_line.report = getvariable('report')
    );
