-- The runs of the same source in the same DAG run, oldest first. Reads the variable run_id.
SELECT run_view.run_id, run_view.try_number, run_view.status
FROM run_view
INNER JOIN (FROM run_view WHERE run_id = getvariable('run_id')) AS asked
    ON
        run_view.dag_id = asked.dag_id
        AND run_view.dag_run_id = asked.dag_run_id
        AND run_view.source = asked.source
ORDER BY run_view.started_at, run_view.run_id;
