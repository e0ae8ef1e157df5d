-- Ends the states of records, of a share of the accessions: they move to the history.
-- Reads record_to_end(accession), and the variables source, run_id, valid_from and ended_by.
INSERT INTO warehouse.main.virus_genome_history BY NAME
SELECT
    held.*,
    getvariable('valid_from') AS valid_to,
    getvariable('ended_by') AS ended_by,
    getvariable('run_id') AS ended_run_id
FROM warehouse.main.virus_genome AS held
SEMI JOIN (SELECT record_to_end.accession FROM record_to_end WHERE in_share(accession)) AS ended USING (accession)
WHERE held.source = getvariable('source');

DELETE FROM warehouse.main.virus_genome
WHERE source = getvariable('source') AND accession IN (
    SELECT record_to_end.accession FROM record_to_end WHERE in_share(record_to_end.accession)
);
