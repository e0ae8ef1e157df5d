-- Is it complete: Is each source up to date, and were any days never requested?
-- `covered` are the update dates that were requested from NCBI, `gaps` those before the last of them that were not: a
-- backfill fills them. The day of a request is incomplete and does not count.
SELECT
    source,
    status,
    records,
    watermark,
    days_watermark_behind,
    list_transform(covered, LAMBDA span: coalesce(span.since::VARCHAR, '...') || ' to ' || span.until) AS covered,
    gaps,
    quarantine_open,
    drift
FROM mart.source_status
ORDER BY source;
