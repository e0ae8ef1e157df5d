-- Writes the records that are new or revised. Reads line_outcome, data_report, and the variables source, run_id and
-- valid_from. What is read from free texts is read of these alone.
CREATE OR REPLACE TEMP VIEW record_to_write AS
SELECT *
FROM data_report
ANTI JOIN (SELECT line FROM line_outcome WHERE outcome NOT IN ('inserted', 'revised')) AS other USING (line);

INSERT INTO warehouse.main.virus_genome BY NAME
SELECT
    * EXCLUDE (line),
    getvariable('source') AS source,
    'live' AS status,
    NULL::TIMESTAMPTZ AS missing_since,
    getvariable('valid_from') AS valid_from,
    getvariable('run_id') AS run_id
FROM with_free_texts('record_to_write');
