-- Changes of each source since the published snapshot, and who approved loads among them -> _about. Reads the variables
-- published_runs, its committed runs, and held_back, the sources whose updates will not be published.
DELETE FROM _about
WHERE topic = 'change' OR (topic = 'answer' AND starts_with(value, 'load, '));

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

INSERT INTO _about
SELECT
    'answer',
    source,
    accepted,
    concat_ws(', ', 'load', approved_by, strftime(ended_at, '%Y-%m-%dT%H:%M:%SZ'))
FROM ops.ingest_run
INNER JOIN ops.acceptance USING (source, run_id)
WHERE
    status = 'success'
    AND approved_by IS NOT NULL
    AND NOT list_contains(getvariable('published_runs')::VARCHAR[], run_id)
    AND NOT list_contains(getvariable('held_back')::VARCHAR[], source)
ORDER BY source, accepted;
