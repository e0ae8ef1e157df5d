-- The letters that the store lacks -> letters_to_write: each once, ordered by molecule and accession, because
-- neighbours are alike and compress well. Reads sequence_entry, letters_held and letters_written.
CREATE OR REPLACE TEMP TABLE letters_to_write AS
WITH wanted AS (
    SELECT
        sha256,
        arg_min(struct_pack(molecule, sequence_id), entry_number) AS named,
        any_value(letters_offset) AS letters_offset,
        any_value(length) AS length,
        any_value(ambiguous) AS ambiguous
    FROM sequence_entry
    WHERE reason IS NULL
    GROUP BY sha256
)

SELECT
    row_number() OVER (ORDER BY named.molecule, named.sequence_id) - 1 AS position,
    sha256,
    letters_offset,
    length,
    ambiguous
FROM wanted
ANTI JOIN letters_held USING (sha256)
ANTI JOIN letters_written USING (sha256);
