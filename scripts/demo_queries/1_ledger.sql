-- The ledger: one row a run, every line accounted for
SELECT
    strftime(started_at, '%H:%M:%S') AS started,
    source,
    mode,
    status,
    updated_since,
    lines,
    inserted,
    revised,
    touched,
    unchanged,
    quarantined,
    watermark,
    round(seconds.download, 2) AS download_s,
    round(seconds.stage + seconds.merge, 2) AS load_s
FROM ops.ingest_run
ORDER BY started_at;
