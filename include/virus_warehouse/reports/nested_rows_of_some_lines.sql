-- The rows of a part of which some lines were refused or are blank -> nested_row, with the numbers of their lines; the
-- rows that say what no line may say are refused, too -> refused_line.
-- Reads the variables report and lines_before, nested_part, refused_in_part and report_line.
CREATE OR REPLACE TEMP TABLE readable AS
SELECT line_number, row_number() OVER (ORDER BY line_number) - 1 AS position
FROM report_line
ANTI JOIN refused_in_part USING (line_number);

INSERT INTO refused_line
SELECT
    getvariable('report'),
    getvariable('lines_before') + line_number,
    coalesce(refused_in_part.reason, nested_part.refusal) AS refusal,
    line.raw,
    line.raw_sha256
FROM report_line AS line
LEFT JOIN refused_in_part USING (line_number)
LEFT JOIN readable USING (line_number)
LEFT JOIN nested_part ON readable.position = nested_part.rowid
WHERE refused_in_part.line_number IS NOT NULL OR nested_part.refusal IS NOT NULL;

CREATE OR REPLACE TEMP VIEW nested_row AS
SELECT
    getvariable('lines_before') + readable.line_number AS line_number,
    nested_part.* EXCLUDE (names_and_texts_read, refusal)
FROM nested_part INNER JOIN readable ON nested_part.rowid = readable.position
WHERE nested_part.refusal IS NULL
ORDER BY readable.line_number;
