-- Moves the dates of records that NCBI re-dated and changed in nothing else. Reads line_outcome, data_report, and the
-- variable source.
UPDATE warehouse.main.virus_genome AS held
SET update_date = staged.update_date
FROM data_report AS staged INNER JOIN line_outcome USING (line)
WHERE line_outcome.outcome = 'touched' AND held.source = getvariable('source') AND held.accession = staged.accession;
