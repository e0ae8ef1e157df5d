-- Is it complete: What was the outcome of every line that NCBI sent?
-- `lines` are counted in the raw file. A run only commits if its outcomes add up to them, so the last column is 0.
SELECT
    source,
    report,
    sum(lines) AS lines,
    sum(inserted) AS inserted,
    sum(revised) AS revised,
    sum(touched) AS touched,
    sum(unchanged) AS unchanged,
    sum(quarantined) AS quarantined,
    sum(stale + duplicate + out_of_window) AS left_aside,
    sum(
        lines - inserted - revised - touched - unchanged - stale - duplicate - out_of_window - quarantined
    ) AS unaccounted_for
FROM ops.ingest_report
GROUP BY source, report
ORDER BY source, report;
