-- Changes of each source since the published snapshot -> _about. Reads the variables published_runs, its committed
-- runs, and held_back, the sources whose updates will not be published.
DELETE FROM _about
WHERE topic = 'change';

INSERT INTO _about
WITH new_run AS (
    SELECT *
    FROM ops.ingest_run
    WHERE
        status = 'success'
        AND NOT list_contains(getvariable('published_runs')::VARCHAR[], run_id)
        AND NOT list_contains(getvariable('held_back')::VARCHAR[], source)
),

counted AS (
    SELECT
        source,
        unnest(['inserted', 'revised', 'touched', 'withdrawn']) AS name,
        unnest([sum(inserted), sum(revised), sum(touched), sum(withdrawn)]) AS counted
    FROM new_run
    GROUP BY source

    UNION ALL

    SELECT source, report, sum(reported.inserted + reported.revised)
    FROM ops.ingest_report AS reported
    INNER JOIN new_run USING (run_id, source)
    WHERE report <> 'data_report'
    GROUP BY source, report
)

SELECT 'change', source, name, counted::VARCHAR
FROM counted
WHERE counted > 0
ORDER BY source, name;
