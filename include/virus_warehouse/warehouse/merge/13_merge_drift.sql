-- Records the unknown fields of a report, one row per path; a resolved path that comes again is reopened.
-- Reads the variables source, report and run_id, and drift.
-- BY NAME is known here to DuckDB 1.4 and later, not yet to sqlfluff.
-- noqa: disable=PRS
MERGE INTO warehouse.ops.schema_drift AS held
USING (
    SELECT
        getvariable('source') AS source,
        getvariable('report') AS report,
        getvariable('run_id') AS first_run_id,
        drift.* EXCLUDE (report),
        getvariable('run_id') AS last_run_id
    FROM drift
    WHERE drift.report = getvariable('report')
) AS found
ON held.source = found.source AND held.report = found.report AND held.path = found.path
WHEN MATCHED THEN UPDATE SET
    occurrences = held.occurrences + found.occurrences,
    last_run_id = found.last_run_id,
    resolved_at = NULL
WHEN NOT MATCHED THEN INSERT BY NAME;
