-- Writes the sequences that are new or have changed, and where their letters are.
-- Reads sequence_outcome, letters_written, letters_held and the variables source, run_id, valid_from and
-- is_newest_package.
-- Another run may have stored the same letters after this one wrote its own: those are named.
INSERT INTO warehouse.ops.sequence_letters BY NAME
SELECT sha256, length, ambiguous, part, position FROM letters_written ANTI JOIN letters_held USING (sha256);

UPDATE warehouse.ops.sequence
SET valid_to = getvariable('valid_from')
FROM sequence_outcome AS later
WHERE
    sequence.source = getvariable('source')
    AND sequence.valid_to IS NULL
    AND sequence.molecule = later.molecule
    AND sequence.sequence_id = later.sequence_id
    AND later.outcome = 'stored'
    AND later.is_held;

-- A record that is annotated again keeps its version: the newest package has all its coding regions and proteins, or,
-- where a file lags behind, none of them.
UPDATE warehouse.ops.sequence
SET valid_to = getvariable('valid_from')
WHERE
    source = getvariable('source')
    AND valid_to IS NULL
    AND molecule <> 'genome'
    AND getvariable('is_newest_package')
    AND (molecule, accession_version) IN (
        SELECT (given.molecule, given.accession_version)
        FROM sequence_outcome AS given WHERE given.outcome IN ('stored', 'unchanged')
    )
    AND (molecule, sequence_id) NOT IN (
        SELECT (given.molecule, given.sequence_id) FROM sequence_outcome AS given WHERE given.sequence_id IS NOT NULL
    );

INSERT INTO warehouse.ops.sequence BY NAME
SELECT
    getvariable('source') AS source,
    accession,
    accession_version,
    molecule,
    sequence_id,
    header,
    sha256,
    getvariable('valid_from') AS valid_from,
    NULL::TIMESTAMPTZ AS valid_to,
    getvariable('run_id') AS run_id
FROM sequence_outcome
WHERE outcome = 'stored'
ORDER BY molecule, sequence_id;
