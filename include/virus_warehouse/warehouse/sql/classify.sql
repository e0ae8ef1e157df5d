-- What becomes of the lines of the data report, for a share of the accessions -> line_outcome. Reads data_report, the
-- attached warehouse, and the variables source, run_id, valid_from, is_newest_package, since and until (NULL: no
-- bound).
--
-- Which version of a record wins: the higher version; then the later update_date; then the later requested package;
-- within a package the last line.
INSERT INTO line_outcome
WITH staged AS (
    SELECT line, accession, version, update_date, record_hash FROM data_report WHERE in_share(accession)
),

held AS (
    SELECT accession, version, update_date, record_hash
    FROM warehouse.main.virus_genome
    WHERE source = getvariable('source') AND in_share(accession)
),

repeated AS (
    SELECT accession FROM staged GROUP BY accession HAVING count(*) > 1
),

duplicate AS (
    SELECT staged.line
    FROM staged SEMI JOIN repeated USING (accession)
    QUALIFY row_number() OVER (
        PARTITION BY accession ORDER BY version DESC, update_date DESC NULLS LAST, staged.line DESC
    ) > 1
),

compared AS (
    SELECT
        staged.line,
        staged.accession,
        staged.update_date,
        duplicate.line IS NOT NULL AS is_duplicate,
        coalesce(staged.update_date < getvariable('since')::DATE, false)
        OR coalesce(staged.update_date >= getvariable('until')::DATE, false)
        OR (staged.update_date IS NULL AND getvariable('until') IS NOT NULL) AS is_out_of_window,
        held.accession IS NOT NULL AS is_held,
        { 'version': staged.version, 'day': coalesce(staged.update_date, DATE '0001-01-01') } AS staged_state,
        { 'version': held.version, 'day': coalesce(held.update_date, DATE '0001-01-01') } AS held_state,
        staged.record_hash = held.record_hash AS is_same
    FROM staged
    LEFT JOIN duplicate ON staged.line = duplicate.line
    LEFT JOIN held ON staged.accession = held.accession
)

SELECT
    line,
    accession,
    update_date,
    CASE
        WHEN is_duplicate THEN 'duplicate'
        WHEN is_out_of_window THEN 'out_of_window'
        WHEN NOT is_held AND (getvariable('is_newest_package') OR accession NOT IN (
            SELECT past.accession FROM warehouse.main.virus_genome_history AS past
            WHERE past.source = getvariable('source') AND in_share(past.accession)
        )) THEN 'inserted'
        WHEN NOT is_held OR staged_state < held_state THEN 'stale'
        WHEN staged_state = held_state AND is_same THEN 'unchanged'
        WHEN is_same THEN 'touched'
        WHEN staged_state > held_state OR getvariable('is_newest_package') THEN 'revised'
        ELSE 'stale'
    END AS outcome
FROM compared;
