-- Moves the rows that say what no record may say from data_report to refused_line, with the line they came from.
INSERT INTO refused_line
WITH readable AS (
    SELECT *, row_number() OVER (ORDER BY line_number) - 1 AS position
    FROM report_line ANTI JOIN refused_line USING (line_number)
)

SELECT readable.line_number, data_report.refusal, readable.raw, readable.raw_sha256
FROM data_report INNER JOIN readable ON data_report.rowid = readable.position
WHERE data_report.refusal IS NOT NULL;

DELETE FROM data_report WHERE refusal IS NOT NULL;
