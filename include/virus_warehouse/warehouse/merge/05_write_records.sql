-- Writes the new and revised records. Reads record_to_write, and the variables source, run_id and valid_from.
-- Free texts are parsed for these records only.
INSERT INTO warehouse.main.virus_genome BY NAME
SELECT
    * EXCLUDE (line_number, virus_lineage, host_lineage),
    getvariable('source') AS source,
    'live' AS status,
    NULL::TIMESTAMPTZ AS missing_since,
    getvariable('valid_from') AS valid_from,
    getvariable('run_id') AS run_id
FROM with_free_texts('record_to_write');
