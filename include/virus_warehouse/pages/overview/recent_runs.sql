-- The last runs of each source, oldest first: how they ended, and how many records they changed.
-- Reads the variable recent, how many.
SELECT
    source,
    list({
        'run_id': run_id,
        'status': status,
        'started_at': started_at,
        'changed': coalesce(inserted, 0) + coalesce(revised, 0) + coalesce(withdrawn, 0)
    } ORDER BY started_at, run_id) AS runs
FROM (
    SELECT *
    FROM run_view
    QUALIFY row_number() OVER (PARTITION BY source ORDER BY started_at DESC, run_id DESC) <= getvariable('recent')
)
GROUP BY source;
