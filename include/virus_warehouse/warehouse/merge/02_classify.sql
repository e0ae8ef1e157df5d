-- The outcome of each line of the data report, for a share of the accessions -> line_outcome. Reads data_report, the
-- attached warehouse, later_line, and the variables source, run_id, valid_from, is_newest, since and until (NULL: no
-- bound).
--
-- Which version of a record wins: the higher version; then the later update_date; then the later requested package;
-- within a package the last line. A known update_date replaces an unknown one, never the other way round.
INSERT INTO line_outcome
WITH staged AS (
    SELECT line_number, accession, version, update_date, record_hash FROM data_report WHERE in_share(accession)
),

held AS (
    SELECT accession, version, update_date, record_hash
    FROM warehouse.main.virus_genome
    WHERE source = getvariable('source') AND in_share(accession)
),

repeated AS (
    SELECT accession FROM staged GROUP BY accession HAVING count(*) > 1
),

-- The states that a package requested later has shown: a tie with them is decided.
shown_later AS (
    SELECT DISTINCT accession, version, update_date FROM later_line WHERE is_merged AND in_share(accession)
),

duplicate AS (
    SELECT staged.line_number
    FROM staged SEMI JOIN repeated USING (accession)
    QUALIFY row_number() OVER (
        PARTITION BY accession ORDER BY version DESC, update_date DESC NULLS LAST, staged.line_number DESC
    ) > 1
),

compared AS (
    SELECT
        staged.line_number,
        staged.accession,
        staged.update_date,
        duplicate.line_number IS NOT NULL AS is_duplicate,
        coalesce(staged.update_date < getvariable('since')::DATE, false)
        OR coalesce(staged.update_date >= getvariable('until')::DATE, false)
        OR (staged.update_date IS NULL AND getvariable('until') IS NOT NULL) AS is_out_of_window,
        held.accession IS NOT NULL AS is_held,
        staged.version < held.version
        OR (staged.version = held.version AND coalesce(staged.update_date < held.update_date, false)) AS is_older,
        staged.version > held.version
        OR (
            staged.version = held.version
            AND coalesce(staged.update_date > held.update_date, staged.update_date IS NOT NULL)
        ) AS is_newer,
        (staged.update_date IS DISTINCT FROM held.update_date) AS is_redated,
        staged.record_hash = held.record_hash AS is_same,
        getvariable('is_newest') AND shown_later.accession IS NULL AS wins_tie
    FROM staged
    LEFT JOIN duplicate ON staged.line_number = duplicate.line_number
    LEFT JOIN held ON staged.accession = held.accession
    LEFT JOIN shown_later
        ON
            held.accession = shown_later.accession
            AND held.version = shown_later.version
            AND held.update_date IS NOT DISTINCT FROM shown_later.update_date
)

SELECT
    line_number,
    accession,
    update_date,
    CASE
        WHEN is_duplicate THEN 'duplicate'
        WHEN is_out_of_window THEN 'out_of_window'
        WHEN NOT is_held AND (getvariable('is_newest') OR accession NOT IN (
            SELECT past.accession FROM warehouse.main.virus_genome_history AS past
            WHERE past.source = getvariable('source') AND in_share(past.accession)
        )) THEN 'inserted'
        WHEN NOT is_held OR is_older THEN 'stale'
        WHEN is_same AND is_newer THEN 'touched'
        WHEN is_same AND NOT is_redated THEN 'unchanged'
        WHEN NOT is_same AND (is_newer OR wins_tie) THEN 'revised'
        ELSE 'stale'
    END AS outcome
FROM compared;
