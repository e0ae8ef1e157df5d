-- Too many unreadable lines since the last snapshot. A repeated line counts once.
WITH new_line AS (
    SELECT reported.source, reported.report, sum(reported.lines) AS lines
    FROM ops.ingest_report AS reported
    INNER JOIN ops.ingest_run AS run USING (run_id)
    WHERE run.status = 'success' AND run.mode <> 'replay' AND run_id NOT IN (SELECT run_id FROM published_run)
    GROUP BY reported.source, reported.report
),

refused AS (
    SELECT *, count(*) OVER (PARTITION BY source, report) AS refused
    FROM ops.quarantine
    WHERE replayed_at IS NULL AND resolved_at IS NULL AND first_run_id NOT IN (SELECT run_id FROM published_run)
)

SELECT
    source,
    format(
        'of {} new lines of the {}, {} were quarantined, more than {}%',
        new_line.lines,
        replace(report, '_', ' '),
        refused.refused,
        round(100 * source_limit.max_quarantined, 2)
    ) AS fault,
    'line ' || refused.line_number || ' of ' || refused.first_run_id || ': ' || refused.reason AS example
FROM refused
INNER JOIN new_line USING (source, report)
INNER JOIN source_limit USING (source)
WHERE refused.refused >= getvariable('few') AND refused.refused > new_line.lines * source_limit.max_quarantined;
