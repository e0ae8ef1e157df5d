-- A page of the matching runs, latest first. Lines outside a window are left out: NCBI lists all later ones too.
SELECT
    run_id, source, mode, run_type, status, error, started_at, ended_at, updated_since, until, stage, is_published,
    lines - coalesce(out_of_window, 0) AS lines, inserted, revised, withdrawn, quarantined, watermark,
    count(*) OVER () AS runs_found
FROM run_view
WHERE
    getvariable('wanted_source') IN ('', source)
    AND getvariable('wanted_status') IN ('', status)
    AND getvariable('wanted_mode') IN ('', mode)
    AND getvariable('wanted_dag_run') IN ('', dag_run_id)
    AND (
        contains(lower(run_id), lower(getvariable('wanted_text')))
        OR contains(lower(coalesce(error, '')), lower(getvariable('wanted_text')))
    )
ORDER BY started_at DESC, run_id DESC
LIMIT getvariable('page_limit') OFFSET getvariable('page_offset');
