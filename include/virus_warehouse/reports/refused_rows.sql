-- Moves the rows that say what no record may say from part to refused_in_part and refused_line, with the line they came
-- from. Reads the variable lines_before.
CREATE OR REPLACE TEMP TABLE refused_row AS
WITH readable AS (
    SELECT *, row_number() OVER (ORDER BY line_number) - 1 AS position
    FROM report_line ANTI JOIN refused_in_part USING (line_number)
)

SELECT readable.line_number, part.refusal AS reason, readable.raw, readable.raw_sha256
FROM part INNER JOIN readable ON part.rowid = readable.position
WHERE part.refusal IS NOT NULL;

INSERT INTO refused_in_part SELECT * FROM refused_row;
INSERT INTO refused_line
SELECT * REPLACE (line_number + getvariable('lines_before') AS line_number) FROM refused_row;
DELETE FROM part WHERE refusal IS NOT NULL;
