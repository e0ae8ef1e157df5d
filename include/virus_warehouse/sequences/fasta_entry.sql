-- The entries of a package's FASTA files, as read; entry_number counts from 1 in each file.
CREATE OR REPLACE TEMP TABLE fasta_entry (
    molecule VARCHAR,
    entry_number BIGINT,
    header VARCHAR,
    length BIGINT,
    ambiguous BIGINT,
    sha256 BLOB,
    letters_offset BIGINT,
    fault VARCHAR
);
