-- The ledger: one row per run, every line accounted for
SELECT
    strftime(started_at, '%H:%M') AS at,
    source,
    mode,
    status,
    updated_since AS since,
    lines,
    inserted,
    revised,
    touched,
    unchanged,
    quarantined,
    watermark,
    round(seconds.download + seconds.stage + seconds.merge, 2) AS seconds
FROM ops.ingest_run
ORDER BY started_at;
