-- Ends the states of records that are revised, and moves the dates of those that are only re-dated.
-- Reads line_outcome, data_report, and the variables source, run_id and valid_from.
INSERT INTO warehouse.main.virus_genome_history BY NAME
SELECT
    held.*,
    getvariable('valid_from') AS valid_to,
    'revision' AS ended_by,
    getvariable('run_id') AS ended_run_id
FROM warehouse.main.virus_genome AS held
SEMI JOIN (SELECT accession FROM line_outcome WHERE outcome = 'revised') AS revised USING (accession)
WHERE held.source = getvariable('source');

UPDATE warehouse.main.virus_genome AS held
SET update_date = staged.update_date
FROM data_report AS staged INNER JOIN line_outcome USING (line)
WHERE line_outcome.outcome = 'touched' AND held.source = getvariable('source') AND held.accession = staged.accession;

DELETE FROM warehouse.main.virus_genome
WHERE
    source = getvariable('source')
    AND accession IN (SELECT line_outcome.accession FROM line_outcome WHERE outcome = 'revised');
