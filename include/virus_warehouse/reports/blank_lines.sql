-- Removes the rows of blank lines from staged_row. Reads the variables first_row (of the checked lines) and lines_filed
-- (lines whose rows are no longer in staged_row), and report_line.
DELETE FROM staged_row
WHERE
    rowid >= getvariable('first_row')
    AND rowid NOT IN (SELECT line.line_number - getvariable('lines_filed') - 1 FROM report_line AS line);
