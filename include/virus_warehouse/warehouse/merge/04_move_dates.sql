-- Updates the dates of records of which only update_date changed, for a share of the accessions. Reads
-- line_outcome, and the variable source.
UPDATE warehouse.main.virus_genome AS held
SET update_date = touched.update_date
FROM (
    SELECT accession, update_date FROM line_outcome WHERE outcome = 'touched' AND in_share(accession)
) AS touched
WHERE held.source = getvariable('source') AND held.accession = touched.accession;
