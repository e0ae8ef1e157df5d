-- The outcome of each FASTA entry -> sequence_outcome. Reads sequence_entry, the attached warehouse, and the variables
-- source, is_newest_package.
--
-- A protein's record is the one whose annotation, merged before, names it. The letters of an accession.version do not
-- change; if NCBI shows others all the same, those of the later requested package win.
CREATE OR REPLACE TEMP TABLE sequence_outcome AS
WITH annotated AS (
    SELECT protein_accession_version, min(accession) AS accession
    FROM warehouse.main.virus_protein
    WHERE source = getvariable('source') AND protein_accession_version IS NOT NULL
    GROUP BY protein_accession_version
),

placed AS (
    SELECT
        entry.* EXCLUDE (accession, accession_version, is_orphaned, reason),
        coalesce(entry.accession, annotated.accession) AS accession,
        coalesce(entry.accession_version, annotation.accession_version) AS accession_version,
        entry.is_orphaned
        OR (entry.molecule = 'protein' AND entry.reason IS NULL AND annotated.accession IS NULL) AS is_orphaned,
        CASE
            WHEN entry.reason IS NOT NULL THEN entry.reason
            WHEN entry.molecule = 'protein' AND annotated.accession IS NULL THEN 'no annotation names this protein'
        END AS reason
    FROM sequence_entry AS entry
    LEFT JOIN annotated
        ON
            entry.molecule = 'protein'
            AND split_part(entry.sequence_id, ':', 1) = annotated.protein_accession_version
    LEFT JOIN warehouse.main.virus_annotation AS annotation
        ON annotation.source = getvariable('source') AND annotated.accession = annotation.accession
),

held AS (
    SELECT molecule, sequence_id, sha256, header
    FROM warehouse.ops.sequence
    SEMI JOIN placed USING (molecule, sequence_id)
    WHERE source = getvariable('source') AND valid_to IS NULL
)

SELECT
    placed.*,
    held.sequence_id IS NOT NULL AS is_held,
    CASE
        WHEN is_orphaned THEN 'orphaned'
        WHEN placed.reason IS NOT NULL THEN 'mismatched'
        WHEN held.sequence_id IS NOT NULL AND (
            NOT getvariable('is_newest_package') OR (held.sha256 = placed.sha256 AND held.header = placed.header)
        ) THEN 'unchanged'
        WHEN row_number() OVER (PARTITION BY placed.molecule, placed.sequence_id ORDER BY placed.entry_number) > 1
            THEN 'unchanged'
        ELSE 'stored'
    END AS outcome
FROM placed
LEFT JOIN held ON placed.molecule = held.molecule AND placed.sequence_id = held.sequence_id;
