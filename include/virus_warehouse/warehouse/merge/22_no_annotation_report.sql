-- For a package without an annotation report: empty annotation_listed and report_outcome.
CREATE OR REPLACE TEMP TABLE annotation_listed (accession VARCHAR);
CREATE OR REPLACE TEMP TABLE report_outcome (line_number BIGINT, accession VARCHAR, outcome VARCHAR);
