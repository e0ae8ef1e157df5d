-- Names the new part of moved letters, and forgets letters that no sequence needs, which were not moved.
-- Reads letters_written, the attached warehouse and the variable parts: the names of the parts that were read.
UPDATE warehouse.ops.sequence_letters
SET part = moved.part, position = moved.position
FROM letters_written AS moved
WHERE
    sequence_letters.sha256 = moved.sha256
    AND list_contains(getvariable('parts'), sequence_letters.part);

DELETE FROM warehouse.ops.sequence_letters
WHERE
    list_contains(getvariable('parts'), part)
    AND sha256 NOT IN (SELECT sequence.sha256 FROM warehouse.ops.sequence);
