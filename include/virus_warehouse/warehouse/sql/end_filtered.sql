-- After a full load with other filters than before: what the new filter does not show ends at once.
-- Reads the variables source, run_id and valid_from, and absent(accession).
INSERT INTO warehouse.main.virus_genome_history BY NAME
SELECT
    held.*,
    getvariable('valid_from') AS valid_to,
    'filter' AS ended_by,
    getvariable('run_id') AS ended_run_id
FROM warehouse.main.virus_genome AS held
SEMI JOIN absent USING (accession)
WHERE held.source = getvariable('source');

DELETE FROM warehouse.main.virus_genome
WHERE source = getvariable('source') AND accession IN (SELECT absent.accession FROM absent);
