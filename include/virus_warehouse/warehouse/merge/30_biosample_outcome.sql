-- The outcome of each line of the staged biosample_report -> report_outcome.
-- Reads the variables source, is_newest_package, since and until (NULL: no bound), data_report, and line_outcome, the
-- outcomes of the package's genomes.
--
-- Which state of a BioSample wins: the later last_updated; then the later requested package; within a package the last
-- line. A BioSample is inside a window if a genome that names it is.
CREATE OR REPLACE TEMP TABLE report_outcome AS
WITH staged AS (
    SELECT
        line_number,
        accession,
        coalesce(last_updated, TIMESTAMP '0001-01-01') AS updated,
        biosample_hash,
        row_number() OVER (PARTITION BY accession ORDER BY updated DESC, line_number DESC) > 1 AS is_duplicate
    FROM biosample_report
),

named AS (
    SELECT DISTINCT data_report.biosample AS accession
    FROM data_report INNER JOIN line_outcome USING (line_number)
    WHERE line_outcome.outcome NOT IN ('duplicate', 'out_of_window')
),

compared AS (
    SELECT
        staged.*,
        named.accession IS NULL
        AND (getvariable('since') IS NOT NULL OR getvariable('until') IS NOT NULL) AS is_out_of_window,
        held.accession IS NOT NULL AS is_held,
        coalesce(held.last_updated, TIMESTAMP '0001-01-01') AS held_updated,
        staged.biosample_hash = held.biosample_hash AS is_same
    FROM staged
    LEFT JOIN named ON staged.accession = named.accession
    LEFT JOIN warehouse.main.biosample AS held
        ON held.source = getvariable('source') AND staged.accession = held.accession
)

SELECT
    line_number,
    accession,
    CASE
        WHEN is_duplicate THEN 'duplicate'
        WHEN is_out_of_window THEN 'out_of_window'
        WHEN NOT is_held THEN 'inserted'
        WHEN is_same THEN 'unchanged'
        WHEN updated > held_updated OR (updated = held_updated AND getvariable('is_newest_package')) THEN 'revised'
        ELSE 'stale'
    END AS outcome
FROM compared;
