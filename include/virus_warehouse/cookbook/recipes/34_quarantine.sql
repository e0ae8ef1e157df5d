-- Is it complete: Which lines could not be read, and why?
-- They are kept as they came. `virus-warehouse replay SOURCE` reads them again with a newer version; `replayed_at` is then
-- set. A line whose record has come in another line since, or that a full package did without, is over: `resolved_at`.
SELECT
    source, report, line_number, reason, left(raw, 50) || ' ...' AS beginning,
    coalesce(replayed_at, resolved_at) IS NULL AS waits
FROM ops.quarantine
ORDER BY source, report, line_number;
