-- Merges the drift of all parts of a report, one row per path -> drift. Reads the variable report.
CREATE OR REPLACE TEMP TABLE drift_in_all AS
SELECT report, path, sum(occurrences)::BIGINT AS occurrences, min(sample) AS sample
FROM drift
WHERE report = getvariable('report')
GROUP BY report, path;

DELETE FROM drift WHERE report = getvariable('report');
INSERT INTO drift SELECT * FROM drift_in_all;
