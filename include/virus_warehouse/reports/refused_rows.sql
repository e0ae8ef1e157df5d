-- What is wrong with lines that were read -> refused_line, refused_in_part, and out of staged_record.
-- Reads the variables report, odd_numbers and odd_rows (of each line its number in the report, and its row), and
-- staged_record, report_line, and refused_in_part, the lines that are bad whatever was read of them.
CREATE OR REPLACE TEMP TABLE odd_line AS
SELECT unnest(getvariable('odd_numbers')::BIGINT[]) AS line_number, unnest(getvariable('odd_rows')::BIGINT[]) AS record;

CREATE OR REPLACE TEMP TABLE refused_row AS
SELECT line.line_number, staged_record.refusal AS reason, line.raw, line.raw_sha256
FROM odd_line
INNER JOIN staged_record ON odd_line.record = staged_record.rowid
INNER JOIN report_line AS line USING (line_number)
ANTI JOIN refused_in_part USING (line_number)
WHERE staged_record.refusal IS NOT NULL;

INSERT INTO refused_in_part SELECT * FROM refused_row;
INSERT INTO refused_line SELECT getvariable('report'), * FROM refused_in_part;

DELETE FROM staged_record
WHERE rowid IN (SELECT odd_line.record FROM odd_line SEMI JOIN refused_in_part USING (line_number));
