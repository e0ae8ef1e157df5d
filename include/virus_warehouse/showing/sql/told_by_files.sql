-- Runs by what their files say -> told_run, anew for those that are told there. Reads the variables file_runs, the
-- runs, and run_states, the JSON texts of their files.
-- Another version may have written a file: what it names otherwise is left out, and a file that does not say whose run
-- it is, what it was to do, how it is and since when, tells of no run.
DELETE FROM told_run WHERE list_contains(getvariable('file_runs')::VARCHAR[], run_id);

INSERT INTO told_run BY NAME
WITH file AS (
    SELECT
        unnest(getvariable('file_runs')::VARCHAR[]) AS run_id,
        unnest(getvariable('run_states')::VARCHAR[]) AS state
),

told AS (
    SELECT run_id, unnest(from_json(state, '{
        "source": "VARCHAR",
        "mode": "VARCHAR",
        "fingerprint": "VARCHAR",
        "dag_id": "VARCHAR",
        "dag_run_id": "VARCHAR",
        "run_type": "VARCHAR",
        "try_number": "INTEGER",
        "status": "VARCHAR",
        "error": "VARCHAR",
        "started_at": "TIMESTAMPTZ",
        "ended_at": "TIMESTAMPTZ",
        "updated_since": "DATE",
        "until": "DATE",
        "requested_at": "TIMESTAMPTZ",
        "request_url": "VARCHAR",
        "attempts": "INTEGER",
        "http_status": "INTEGER",
        "ncbi_phid": "VARCHAR",
        "datasets_version": "VARCHAR",
        "package_bytes": "BIGINT",
        "package_sha256": "VARCHAR",
        "package_path": "VARCHAR",
        "lines": "BIGINT",
        "inserted": "BIGINT",
        "revised": "BIGINT",
        "touched": "BIGINT",
        "unchanged": "BIGINT",
        "stale": "BIGINT",
        "duplicate": "BIGINT",
        "out_of_window": "BIGINT",
        "quarantined": "BIGINT",
        "withdrawn": "BIGINT",
        "missing": "BIGINT",
        "watermark_before": "DATE",
        "watermark": "DATE",
        "seconds": "MAP(VARCHAR, DOUBLE)",
        "peak_rss_mib": "DOUBLE",
        "versions": "MAP(VARCHAR, VARCHAR)",
        "accepted": ["VARCHAR"],
        "stage": "VARCHAR",
        "failed_in": "VARCHAR",
        "bytes": "BIGINT",
        "megabytes_per_second": "DOUBLE",
        "summary": "VARCHAR",
        "ncbi_says": "VARCHAR",
        "reports": "MAP(VARCHAR, JSON)",
        "written_at": "TIMESTAMPTZ"
    }'))
    FROM file
    WHERE json_valid(state)
)

SELECT * REPLACE (to_json(seconds) AS seconds, to_json(versions) AS versions, to_json(reports) AS reports)
FROM told
WHERE source IS NOT NULL AND mode IS NOT NULL AND status IS NOT NULL AND started_at IS NOT NULL;
