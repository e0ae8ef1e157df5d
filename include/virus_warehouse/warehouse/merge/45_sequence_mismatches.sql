-- Records what of the FASTA files and the data report does not fit, and resolves what this package brings.
-- Reads sequence_outcome, reported_genome and the variables source, run_id, valid_from, asks_for_genomes (whether the
-- source asks for genomes), has_sequences (whether this request did) and is_full (whether the package has everything).
-- BY NAME is known here to DuckDB 1.4 and later, not yet to sqlfluff.
-- noqa: disable=PRS
CREATE OR REPLACE TEMP TABLE sequence_missing AS
SELECT accession, accession_version
FROM reported_genome
ANTI JOIN (FROM sequence_outcome WHERE molecule = 'genome') AS given USING (accession_version)
ANTI JOIN (
    FROM warehouse.ops.sequence WHERE source = getvariable('source') AND molecule = 'genome' AND valid_to IS NULL
) AS held USING (accession_version)
WHERE getvariable('asks_for_genomes');

-- An older package may bring the sequence of an earlier version: that of the record is missing all the same.
CREATE OR REPLACE TEMP TABLE record_without_genome AS
SELECT accession_version
FROM warehouse.main.virus_genome
WHERE
    source = getvariable('source')
    AND accession_version IN (
        SELECT sequence_id FROM warehouse.ops.sequence_mismatch
        WHERE source = getvariable('source') AND molecule = 'genome' AND resolved_at IS NULL
    )
    AND accession_version NOT IN (
        SELECT sequence_id FROM warehouse.ops.sequence
        WHERE source = getvariable('source') AND molecule = 'genome' AND valid_to IS NULL
    );

UPDATE warehouse.ops.sequence_mismatch
SET resolved_at = getvariable('valid_from')
WHERE
    source = getvariable('source')
    AND resolved_at IS NULL
    AND (
        getvariable('is_full')
        OR (molecule, sequence_id) IN (
            SELECT (molecule, sequence_id) FROM sequence_outcome WHERE outcome IN ('stored', 'unchanged')
        )
        OR (molecule, accession) IN (
            SELECT (molecule, accession) FROM sequence_outcome WHERE outcome IN ('stored', 'unchanged')
        )
    )
    AND NOT (molecule = 'genome' AND sequence_id IN (FROM record_without_genome));

MERGE INTO warehouse.ops.sequence_mismatch AS known
USING (
    SELECT
        getvariable('source') AS source,
        molecule,
        coalesce(sequence_id, '') AS sequence_id,
        any_value(accession) AS accession,
        arg_min(reason, entry_number) AS reason,
        count(*) AS occurrences,
        getvariable('run_id') AS first_run_id,
        getvariable('run_id') AS last_run_id
    FROM (
        SELECT molecule, sequence_id, accession, reason, entry_number
        FROM sequence_outcome WHERE outcome IN ('mismatched', 'orphaned')
        UNION ALL
        SELECT
            'genome',
            accession_version,
            accession,
            CASE
                WHEN getvariable('has_sequences') THEN 'no entry in the FASTA file'
                ELSE 'no sequences were requested with this report'
            END,
            0
        FROM sequence_missing
    )
    GROUP BY molecule, coalesce(sequence_id, '')
) AS found
ON known.source = found.source AND known.molecule = found.molecule AND known.sequence_id = found.sequence_id
WHEN MATCHED THEN UPDATE SET
    reason = found.reason,
    occurrences = found.occurrences,
    last_run_id = found.last_run_id,
    resolved_at = NULL
WHEN NOT MATCHED THEN INSERT BY NAME;
