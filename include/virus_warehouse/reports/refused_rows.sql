-- Quarantines invalid lines among those that were checked -> quarantined_line, and removes them from staged_row. Reads
-- the variables report and lines_filed (lines whose rows are no longer in staged_row), report_line, and
-- refused_in_part.
CREATE OR REPLACE TEMP TABLE refused_row AS
SELECT line.line_number, coalesce(fault.reason, staged_row.fields.refusal) AS reason, line.raw, line.raw_sha256
FROM report_line AS line
INNER JOIN staged_row ON line.line_number - getvariable('lines_filed') - 1 = staged_row.rowid
LEFT JOIN refused_in_part AS fault USING (line_number)
WHERE fault.reason IS NOT NULL OR staged_row.fields.refusal IS NOT NULL;

INSERT INTO quarantined_line SELECT getvariable('report'), * FROM refused_row;

DELETE FROM staged_row
WHERE rowid IN (SELECT refused_row.line_number - getvariable('lines_filed') - 1 FROM refused_row);
