-- Is it complete: Which update dates has each run asked for, and what came of it?
-- A run asks from 14 days before the watermark on, because NCBI shows records days after their date; `asked_from` is
-- empty for a full load, which asks for everything. A gap would be a run whose `asked_from` is later than the
-- watermark before it.
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
