-- Is it complete: Which lines could not be read, and why?
-- They are stored as received. `virus-warehouse replay SOURCE` parses them again with a newer version and sets
-- `replayed_at`. If the record has arrived in another line, or a full package did not have the line, `resolved_at` is
-- set.
SELECT
    source, report, line_number, reason, left(raw, 50) || ' ...' AS beginning,
    coalesce(replayed_at, resolved_at) IS NULL AS waits
FROM ops.quarantine
ORDER BY source, report, line_number;
