-- The sequences of each source, by molecule: which records have one, and how many are the same.
CREATE OR REPLACE VIEW mart.sequence_completeness AS
WITH requested AS (
    SELECT counts.source, counts.molecule, max(run.ended_at) AS last_requested_at
    FROM ops.ingest_sequence AS counts
    LEFT JOIN ops.ingest_run AS run USING (run_id)
    GROUP BY counts.source, counts.molecule
),

molecule AS (
    SELECT source, molecule FROM requested
    UNION
    SELECT source, molecule FROM ops.sequence WHERE valid_to IS NULL
),

present AS (
    SELECT source, count(*) AS records FROM main.virus_genome GROUP BY source
),

held AS (
    SELECT
        described.source,
        described.molecule,
        described.accession,
        described.sha256,
        letters.ambiguous / letters.length AS ambiguous_share
    FROM ops.sequence AS described
    SEMI JOIN main.virus_genome AS genome
        ON described.source = genome.source AND described.accession_version = genome.accession_version
    LEFT JOIN ops.sequence_letters AS letters ON described.sha256 = letters.sha256
    WHERE described.valid_to IS NULL
),

repeated AS (
    SELECT source, molecule, sha256, count(DISTINCT accession) > 1 AS is_shared
    FROM held
    GROUP BY source, molecule, sha256
),

of_record AS (
    SELECT held.source, held.molecule, held.accession, bool_and(repeated.is_shared) AS is_shared
    FROM held
    INNER JOIN repeated USING (source, molecule, sha256)
    GROUP BY held.source, held.molecule, held.accession
),

record_count AS (
    SELECT source, molecule, count(*) AS records, avg(is_shared::INTEGER) AS share_identical
    FROM of_record
    GROUP BY source, molecule
),

sequence_count AS (
    SELECT
        source,
        molecule,
        count(*) AS sequences,
        count(DISTINCT sha256) AS distinct_sequences,
        avg(ambiguous_share) AS mean_ambiguous_share
    FROM held
    GROUP BY source, molecule
),

mismatch AS (
    SELECT source, molecule, count(*) AS mismatches
    FROM ops.sequence_mismatch
    WHERE resolved_at IS NULL
    GROUP BY source, molecule
)

SELECT
    molecule.source,
    molecule.molecule,
    requested.last_requested_at,
    coalesce(present.records, 0) AS records,
    coalesce(record_count.records, 0) AS records_with_sequence,
    coalesce(present.records, 0) - coalesce(record_count.records, 0) AS records_without_sequence,
    coalesce(mismatch.mismatches, 0) AS mismatches_open,
    coalesce(sequence_count.sequences, 0) AS sequences,
    coalesce(sequence_count.distinct_sequences, 0) AS distinct_sequences,
    record_count.share_identical,
    sequence_count.mean_ambiguous_share
FROM molecule
LEFT JOIN requested USING (source, molecule)
LEFT JOIN present USING (source)
LEFT JOIN record_count USING (source, molecule)
LEFT JOIN sequence_count USING (source, molecule)
LEFT JOIN mismatch USING (source, molecule);

COMMENT ON VIEW mart.sequence_completeness IS
'A molecule whose sequences a source requests or holds: how many of its present records have them, what does not fit, '
'and how many are the same. Counted by source: a record of two sources counts in both';
COMMENT ON COLUMN mart.sequence_completeness.source IS 'Name of the source in sources.yaml';
COMMENT ON COLUMN mart.sequence_completeness.molecule IS 'genome, cds or protein';
COMMENT ON COLUMN mart.sequence_completeness.last_requested_at IS
'When the last run that requested it committed; NULL if no run of the ledger did';
COMMENT ON COLUMN mart.sequence_completeness.records IS 'Records of the source in virus_genome';
COMMENT ON COLUMN mart.sequence_completeness.records_with_sequence IS
'Of these, those whose present version has a sequence of this molecule';
COMMENT ON COLUMN mart.sequence_completeness.records_without_sequence IS
'Of these, those whose present version has none; of cds and protein, mostly those without annotation';
COMMENT ON COLUMN mart.sequence_completeness.mismatches_open IS
'Open rows of ops.sequence_mismatch: sequences that do not fit their record, and records without theirs';
COMMENT ON COLUMN mart.sequence_completeness.sequences IS 'Sequences of the present records; of cds, several for each';
COMMENT ON COLUMN mart.sequence_completeness.distinct_sequences IS 'Of these, how many differ in their letters';
COMMENT ON COLUMN mart.sequence_completeness.share_identical IS
'Share of the records with a sequence, 0 to 1, all of whose sequences another record of the source has too; NULL if '
'none has a sequence';
COMMENT ON COLUMN mart.sequence_completeness.mean_ambiguous_share IS
'Mean of the sequences'' share of ambiguous letters, 0 to 1; NULL if there are none';
