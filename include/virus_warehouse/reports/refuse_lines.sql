-- Quarantines the lines of refused_row(line_number, reason) of an auxiliary report -> quarantined_line.
-- Reads the variable report, and report_line.
INSERT INTO quarantined_line
SELECT getvariable('report'), refused_row.line_number, refused_row.reason, line.raw, line.raw_sha256
FROM refused_row INNER JOIN report_line AS line USING (line_number);
