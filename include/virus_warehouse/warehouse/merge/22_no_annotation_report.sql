-- What a package without an annotation report says of annotation: nothing -> annotation_listed, report_outcome.
CREATE OR REPLACE TEMP TABLE annotation_listed (accession VARCHAR);
CREATE OR REPLACE TEMP TABLE report_outcome (line_number BIGINT, accession VARCHAR, outcome VARCHAR);
