-- The letters that a run, a rebuild or a compaction has written to parts of the sequence store.
CREATE OR REPLACE TEMP TABLE letters_written (
    part VARCHAR,
    position BIGINT,
    sha256 BLOB,
    length BIGINT,
    ambiguous BIGINT
);
