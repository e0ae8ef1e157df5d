-- Is it complete: Which fields does NCBI send that are not read yet?
-- Unknown fields do not fail a load; they are recorded with their count and a sample: a new field, or a renamed one.
-- The path `$` means a report that was requested but is missing. Fields that the newest full package does not have
-- are resolved.
SELECT source, report, path, occurrences, sample, resolved_at IS NULL AS still_comes
FROM ops.schema_drift
ORDER BY source, report, path;
