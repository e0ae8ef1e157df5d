-- The rows of a part in which every line was read -> nested_row, with the numbers of their lines.
-- Reads the variable lines_before, and nested_part.
CREATE OR REPLACE TEMP VIEW nested_row AS
SELECT
    getvariable('lines_before') + rowid + 1 AS line_number,
    * EXCLUDE (names_and_texts_read, refusal)
FROM nested_part;
