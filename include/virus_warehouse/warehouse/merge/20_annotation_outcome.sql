-- The outcome of each line of the staged annotation_report -> report_outcome; lines that match no held genome ->
-- refused_row.
-- Reads the variables source, is_newest, since and until (NULL: no bound), later_line, and line_outcome, the outcomes
-- of the package's genomes, which are merged before.
--
-- An annotation belongs to a state of its genome, and is stale or outside the window if that is.
-- Only annotations of the held version are kept.
CREATE OR REPLACE TEMP TABLE report_outcome AS
WITH staged AS (
    SELECT
        line_number,
        accession,
        version,
        annotation_hash,
        row_number() OVER (PARTITION BY accession ORDER BY version DESC, line_number DESC) > 1 AS is_duplicate
    FROM annotation_report
),

genome_line AS (
    SELECT accession, outcome FROM line_outcome WHERE outcome <> 'duplicate'
),

-- The genomes that a package requested later has shown, with their annotations.
shown_later AS (
    SELECT DISTINCT accession FROM later_line WHERE is_merged
),

compared AS (
    SELECT
        staged.line_number,
        staged.accession,
        staged.is_duplicate,
        genome_line.outcome AS genome_outcome,
        genome.accession IS NOT NULL AS is_genome_held,
        -- A genome that the package does not list is placed by its last update.
        genome_line.outcome IS NULL AND (
            coalesce(genome.update_date < getvariable('since')::DATE, false)
            OR coalesce(genome.update_date >= getvariable('until')::DATE, false)
            OR (genome.update_date IS NULL AND getvariable('until') IS NOT NULL)
        ) AS is_out_of_window,
        staged.version - genome.version AS versions_ahead,
        held.accession IS NOT NULL AS is_held,
        staged.annotation_hash = held.annotation_hash AS is_same,
        shown_later.accession IS NOT NULL AS is_shown_later
    FROM staged
    LEFT JOIN genome_line ON staged.accession = genome_line.accession
    LEFT JOIN warehouse.main.virus_genome AS genome
        ON genome.source = getvariable('source') AND staged.accession = genome.accession
    LEFT JOIN warehouse.main.virus_annotation AS held
        ON held.source = getvariable('source') AND staged.accession = held.accession
    LEFT JOIN shown_later ON staged.accession = shown_later.accession
)

SELECT
    line_number,
    accession,
    CASE
        WHEN is_duplicate THEN 'duplicate'
        WHEN genome_outcome = 'out_of_window' OR is_out_of_window THEN 'out_of_window'
        WHEN genome_outcome = 'stale' OR versions_ahead < 0 THEN 'stale'
        WHEN NOT is_genome_held OR versions_ahead > 0 THEN 'quarantined'
        WHEN NOT is_held THEN 'inserted'
        WHEN is_same THEN 'unchanged'
        -- An older package with a newer state of the genome also has its newer annotation.
        WHEN genome_outcome IN ('inserted', 'revised', 'touched') THEN 'revised'
        WHEN getvariable('is_newest') AND NOT is_shown_later THEN 'revised'
        ELSE 'stale'
    END AS outcome,
    CASE
        WHEN outcome = 'quarantined' AND is_genome_held THEN 'annotation of a version of the genome that is not held'
        WHEN outcome = 'quarantined' THEN 'annotation of a genome that is not held'
    END AS reason
FROM compared;

INSERT INTO refused_row
SELECT line_number, reason FROM report_outcome WHERE outcome = 'quarantined';

DELETE FROM report_outcome WHERE outcome = 'quarantined';
