-- The figures of each source that is followed, as a snapshot has them.
SELECT
    source,
    records,
    quarantine_open,
    len(drift) AS unknown_fields,
    held_back_since IS NOT NULL AS is_held_back,
    last_success_at AS loaded_at
FROM mart.source_status
WHERE status <> 'not followed'
ORDER BY source;
