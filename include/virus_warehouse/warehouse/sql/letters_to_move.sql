-- The letters in small parts of the sequence store that sequences need -> letters_to_move, ordered as a part is.
-- Reads the attached warehouse and the variable parts: the names of the small parts.
CREATE OR REPLACE TEMP TABLE letters_to_move AS
WITH named AS (
    SELECT sha256, min(struct_pack(molecule, sequence_id)) AS named
    FROM warehouse.ops.sequence
    GROUP BY sha256
)

SELECT
    row_number() OVER (ORDER BY named.named.molecule, named.named.sequence_id) - 1 AS position,
    held.sha256,
    held.length,
    held.ambiguous,
    held.part AS moved_from,
    held.position AS moved_from_position
FROM warehouse.ops.sequence_letters AS held
INNER JOIN named USING (sha256)
WHERE list_contains(getvariable('parts'), held.part);
