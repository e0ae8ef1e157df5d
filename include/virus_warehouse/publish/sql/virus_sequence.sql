-- The sequences of the records, with their letters from the sequence store, which the view ops.sequence_store reads.
CREATE OR REPLACE VIEW main.virus_sequence AS
SELECT
    described.source,
    described.accession,
    described.accession_version,
    described.molecule,
    described.sequence_id,
    described.header,
    stored.sequence,
    held.length,
    held.ambiguous / held.length AS ambiguous_share,
    lower(hex(described.sha256)) AS sequence_sha256,
    described.valid_from,
    described.run_id
FROM ops.sequence AS described
LEFT JOIN ops.sequence_letters AS held ON described.sha256 = held.sha256
LEFT JOIN ops.sequence_store AS stored ON held.part = stored.part AND held.position = stored.position
WHERE described.valid_to IS NULL;

COMMENT ON VIEW ops.sequence_store IS 'The letters of each distinct sequence, from the files beside the snapshot';
COMMENT ON COLUMN ops.sequence_store.part IS 'File that has the letters';
COMMENT ON COLUMN ops.sequence_store.position IS 'Its row in that file, from 0';
COMMENT ON COLUMN ops.sequence_store.sequence IS 'The letters';

COMMENT ON VIEW main.virus_sequence IS
'A sequence of a record, where its source requests sequences. Also of past versions, which virus_genome_history has: '
'join virus_genome by source and accession_version for the present ones. The letters are in Parquet files beside the '
'snapshot; SET VARIABLE virus_sequences to their folder or URL if they are elsewhere';
COMMENT ON COLUMN main.virus_sequence.accession_version IS 'accession.version of the genome';
COMMENT ON COLUMN main.virus_sequence.molecule IS 'genome, cds or protein';
COMMENT ON COLUMN main.virus_sequence.sequence_id IS 'First word of the header, such as NC_045512.2:21563-25384';
COMMENT ON COLUMN main.virus_sequence.header IS 'Header of the sequence in NCBI''s FASTA file, without >';
COMMENT ON COLUMN main.virus_sequence.sequence IS 'The letters; NULL if the file with them is missing';
COMMENT ON COLUMN main.virus_sequence.length IS 'Number of letters';
COMMENT ON COLUMN main.virus_sequence.ambiguous_share IS
'Share of the letters that stand for several possible bases or residues, such as N, or for a gap';
COMMENT ON COLUMN main.virus_sequence.sequence_sha256 IS
'SHA-256 of the letters, in hexadecimal: equal for identical sequences';
COMMENT ON COLUMN main.virus_sequence.valid_from IS 'Commit time of the run that loaded it';
COMMENT ON COLUMN main.virus_sequence.run_id IS 'Run that loaded it; joins ops.ingest_run';
