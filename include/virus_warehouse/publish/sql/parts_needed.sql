-- The parts of the sequence store with the letters of the sequences held.
SELECT DISTINCT part
FROM ops.sequence_letters
WHERE sha256 IN (SELECT sequence.sha256 FROM ops.sequence)
ORDER BY part;
