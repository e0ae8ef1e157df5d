-- The only rows of an export, by source and accession -> selected_record, selected_sample. Reads the Parquet file
-- `keys`, with source and accession of the chosen records.
CREATE OR REPLACE TEMP TABLE selected_record AS
SELECT source, accession FROM read_parquet(getvariable('keys'));

CREATE OR REPLACE TEMP TABLE selected_sample AS
SELECT DISTINCT source, biosample AS accession
FROM main.virus_genome
SEMI JOIN selected_record USING (source, accession)
WHERE biosample IS NOT NULL;
