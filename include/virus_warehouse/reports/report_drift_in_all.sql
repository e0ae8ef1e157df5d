-- What the parts of a report told of its drift, each path once. Reads the variable report.
CREATE OR REPLACE TEMP TABLE drift_in_all AS
SELECT report, path, sum(occurrences)::BIGINT AS occurrences, min(sample) AS sample
FROM report_drift
WHERE report = getvariable('report')
GROUP BY report, path;

DELETE FROM report_drift WHERE report = getvariable('report');
INSERT INTO report_drift SELECT * FROM drift_in_all;
