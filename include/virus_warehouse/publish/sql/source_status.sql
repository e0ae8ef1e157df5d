-- The status of each source -> ops.source_status.
-- Reads followed_source(source, taxon, fault), the current sources file; held_back(source, reason, since), the sources
-- that are held back.
-- BY NAME is known here to DuckDB 1.4 and later, not yet to sqlfluff.
-- noqa: disable=PRS
DELETE FROM ops.source_status;

INSERT INTO ops.source_status BY NAME
WITH record AS (
    SELECT source, count(*) AS records FROM virus_genome GROUP BY source
),

loaded AS (
    SELECT
        source,
        max(ended_at) AS last_success_at,
        max_by(watermark, ended_at) FILTER (mode <> 'window') AS watermark
    FROM ops.ingest_run
    WHERE status = 'success'
    GROUP BY source
),

last_run AS (
    SELECT
        source,
        max_by(run_id, started_at) AS last_run_id,
        max_by(status, started_at) AS last_run_status,
        max_by(coalesce(error, ''), started_at) AS last_run_error
    FROM ops.ingest_run
    GROUP BY source
)

SELECT
    source,
    CASE
        WHEN followed_source.source IS NULL THEN 'not followed'
        WHEN followed_source.fault IS NOT NULL THEN 'broken'
        WHEN loaded.source IS NULL THEN 'never loaded'
        ELSE 'followed'
    END AS status,
    CASE status
        WHEN 'not followed' THEN 'not in the sources file any more: its rows stay as last loaded, but are not counted '
        || 'in the marts; `virus-warehouse forget ' || source || '` removes them'
        WHEN 'broken' THEN followed_source.fault
    END AS detail,
    followed_source.taxon,
    coalesce(record.records, 0) AS records,
    loaded.watermark,
    loaded.last_success_at,
    last_run.last_run_id,
    last_run.last_run_status,
    nullif(last_run.last_run_error, '') AS last_run_error,
    held_back.since AS held_back_since,
    held_back.reason AS held_back_reason
FROM followed_source
FULL JOIN last_run USING (source)
FULL JOIN held_back USING (source)
LEFT JOIN loaded USING (source)
LEFT JOIN record USING (source)
ORDER BY source;
