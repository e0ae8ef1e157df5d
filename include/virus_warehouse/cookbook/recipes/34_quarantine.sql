-- Is it complete: Which lines could not be read, and why?
-- They are kept as they came. `make replay SOURCE=...` reads them again with a newer version; `replayed_at` is then
-- set.
SELECT source, report, line_number, reason, left(raw, 50) || ' ...' AS beginning, replayed_at IS NULL AS waits
FROM ops.quarantine
ORDER BY source, report, line_number;
