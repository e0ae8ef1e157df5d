-- The last run of each source in its current state; when a run last loaded all updates, published or not; since when
-- loaded data are waiting for publication; how its last
-- full load ended. Only runs newer than all published runs of the source count there: files may
-- exist for older runs that a rebuilt warehouse lacks.
WITH newest AS (
    SELECT source, max(ended_at) AS published_at FROM run_view WHERE is_published GROUP BY source
)

SELECT
    run_view.*,
    max(ended_at) FILTER (status = 'success' AND mode IN ('incremental', 'full')) OVER of_source AS brought_all_at,
    min(ended_at) FILTER (
        status = 'success' AND NOT is_published AND coalesce(ended_at > newest.published_at, true)
    ) OVER of_source AS unpublished_since,
    arg_max(status, started_at) FILTER (mode = 'full') OVER of_source AS full_status
FROM run_view
LEFT JOIN newest USING (source)
WINDOW of_source AS (PARTITION BY source)
QUALIFY row_number() OVER (PARTITION BY source ORDER BY started_at DESC, run_id DESC) = 1;
