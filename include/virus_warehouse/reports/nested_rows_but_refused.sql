-- The rows of a part in which every line was read -> nested_row, with the numbers of their lines; but for those that a
-- look at odd lines refuses, and those that say what no line may say -> refused_line.
-- Reads the variables report and lines_before, nested_part, refused_in_part, and report_line, the odd ones.
CREATE OR REPLACE TEMP TABLE refused_row AS
SELECT line.line_number, coalesce(refused_in_part.reason, nested_part.refusal) AS reason, line.raw, line.raw_sha256
FROM report_line AS line
INNER JOIN nested_part ON line.line_number = nested_part.rowid + 1
LEFT JOIN refused_in_part USING (line_number)
WHERE refused_in_part.reason IS NOT NULL OR nested_part.refusal IS NOT NULL;

INSERT INTO refused_line
SELECT getvariable('report'), getvariable('lines_before') + line_number, reason, raw, raw_sha256
FROM refused_row;

CREATE OR REPLACE TEMP VIEW nested_row AS
SELECT
    getvariable('lines_before') + rowid + 1 AS line_number,
    * EXCLUDE (names_and_texts_read, refusal)
FROM nested_part
WHERE rowid + 1 NOT IN (SELECT refused_row.line_number FROM refused_row);
