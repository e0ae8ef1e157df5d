-- Records the quarantined lines, one row per line, with its first and last run; a resolved line that comes again is
-- reopened.
-- Reads the variables source, report and run_id, and quarantined_line.
-- BY NAME is known here to DuckDB 1.4 and later, not yet to sqlfluff.
-- noqa: disable=PRS
MERGE INTO warehouse.ops.quarantine AS held
USING (
    SELECT
        getvariable('source') AS source,
        getvariable('report') AS report,
        min(line_number) AS line_number,
        arg_min(reason, line_number) AS reason,
        arg_min(raw, line_number) AS raw,
        raw_sha256,
        getvariable('run_id') AS first_run_id,
        getvariable('run_id') AS last_run_id
    FROM quarantined_line
    WHERE quarantined_line.report = getvariable('report')
    GROUP BY raw_sha256
) AS refused
ON held.source = refused.source AND held.report = refused.report AND held.raw_sha256 = refused.raw_sha256
WHEN MATCHED THEN UPDATE SET
    last_run_id = refused.last_run_id,
    reason = refused.reason,
    replayed_at = NULL,
    resolved_at = NULL
WHEN NOT MATCHED THEN INSERT BY NAME;
