-- Runs by their files -> told_run, anew for those that are told there. Reads the variables run_files, a list of paths,
-- and file_runs, the runs that they are of.
DELETE FROM told_run WHERE list_contains(getvariable('file_runs')::VARCHAR[], run_id);

INSERT INTO told_run BY NAME
SELECT *
FROM read_json(
    getvariable('run_files'),
    columns = {
        'run_id': 'VARCHAR',
        'source': 'VARCHAR',
        'mode': 'VARCHAR',
        'fingerprint': 'VARCHAR',
        'dag_id': 'VARCHAR',
        'dag_run_id': 'VARCHAR',
        'run_type': 'VARCHAR',
        'try_number': 'INTEGER',
        'status': 'VARCHAR',
        'error': 'VARCHAR',
        'started_at': 'TIMESTAMPTZ',
        'ended_at': 'TIMESTAMPTZ',
        'updated_since': 'DATE',
        'until': 'DATE',
        'requested_at': 'TIMESTAMPTZ',
        'request_url': 'VARCHAR',
        'attempts': 'INTEGER',
        'http_status': 'INTEGER',
        'ncbi_phid': 'VARCHAR',
        'datasets_version': 'VARCHAR',
        'package_bytes': 'BIGINT',
        'package_sha256': 'VARCHAR',
        'package_path': 'VARCHAR',
        'lines': 'BIGINT',
        'inserted': 'BIGINT',
        'revised': 'BIGINT',
        'touched': 'BIGINT',
        'unchanged': 'BIGINT',
        'stale': 'BIGINT',
        'duplicate': 'BIGINT',
        'out_of_window': 'BIGINT',
        'quarantined': 'BIGINT',
        'withdrawn': 'BIGINT',
        'missing': 'BIGINT',
        'watermark_before': 'DATE',
        'watermark': 'DATE',
        'seconds': 'JSON',
        'peak_rss_mib': 'DOUBLE',
        'versions': 'JSON',
        'stage': 'VARCHAR',
        'failed_in': 'VARCHAR',
        'bytes': 'BIGINT',
        'megabytes_per_second': 'DOUBLE',
        'summary': 'VARCHAR',
        'ncbi_says': 'VARCHAR',
        'reports': 'JSON',
        'written_at': 'TIMESTAMPTZ'
    }
)
WHERE run_id IS NOT NULL;
