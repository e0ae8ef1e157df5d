-- Is it complete: Which update dates did each run request, and with what result?
-- A run starts 14 days before the watermark, because NCBI lists records days after their date; `asked_from` is empty
-- for a full load, which requests everything. A gap would be a run whose `asked_from` is later than the watermark
-- before it.
SELECT
    started_at::DATE AS day,
    source,
    mode,
    status,
    updated_since AS asked_from,
    watermark_before,
    watermark,
    coalesce(updated_since > watermark_before, false) AS leaves_a_gap
FROM ops.ingest_run
ORDER BY started_at, source, mode;
