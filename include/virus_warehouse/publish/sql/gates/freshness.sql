-- NCBI has listed no updates for days. Sources that are no longer followed are not checked.
WITH asked AS (
    SELECT
        source,
        max_by(watermark, ended_at) AS watermark,
        max_by(coalesce(requested_at, started_at), ended_at)::DATE AS asked_on,
        max_by(run_id, ended_at) AS run_id
    FROM ops.ingest_run
    WHERE status = 'success' AND mode IN ('incremental', 'full')
    GROUP BY source
)

SELECT
    source,
    format(
        'No new NCBI updates: asked on {}, it listed nothing updated after {}, {} days before',
        asked.asked_on, asked.watermark, asked.asked_on - asked.watermark
    ) AS fault,
    asked.run_id AS example
FROM asked
INNER JOIN followed_limit AS source_limit USING (source)
WHERE asked.asked_on - asked.watermark > source_limit.stale_after_days;
