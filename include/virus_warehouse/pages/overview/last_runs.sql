-- The last run of each source as it is now; when a run last brought all that was new, published or not; since when
-- something is loaded that is not published. Only what is newer than all that is published of the source counts there:
-- of older runs whose rows a rebuilt warehouse lacks, files may still tell.
WITH newest AS (
    SELECT source, max(ended_at) AS published_at FROM run_view WHERE is_published GROUP BY source
)

SELECT
    run_view.*,
    max(ended_at) FILTER (status = 'success' AND mode IN ('incremental', 'full')) OVER of_source AS brought_all_at,
    min(ended_at) FILTER (
        status = 'success' AND NOT is_published AND coalesce(ended_at > newest.published_at, true)
    ) OVER of_source AS unpublished_since
FROM run_view
LEFT JOIN newest USING (source)
WINDOW of_source AS (PARTITION BY source)
QUALIFY row_number() OVER (PARTITION BY source ORDER BY started_at DESC, run_id DESC) = 1;
