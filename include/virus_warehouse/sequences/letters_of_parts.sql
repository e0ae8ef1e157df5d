-- The letters of letters_to_move, in the order of the parts. Reads letters_to_move and the variable paths.
SELECT wanted.position, encode(stored.sequence)
FROM read_parquet(getvariable('paths')) AS stored
INNER JOIN letters_to_move AS wanted
    ON stored.part = wanted.moved_from AND stored.position = wanted.moved_from_position;
