-- Is it complete: What does NCBI send that is not read yet?
-- A name in the reports that this version does not know stops nothing and is noted with its count and a sample: a new
-- field to add, or one that was renamed. The path `$` would mean a report that was asked for and did not come. What the
-- newest full package has no longer is resolved.
SELECT source, report, path, occurrences, sample, resolved_at IS NULL AS still_comes
FROM ops.schema_drift
ORDER BY source, report, path;
