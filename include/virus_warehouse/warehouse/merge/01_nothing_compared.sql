-- Creates line_outcome and missing_record, both empty.
CREATE OR REPLACE TEMP TABLE line_outcome (line_number BIGINT, accession VARCHAR, update_date DATE, outcome VARCHAR);
CREATE OR REPLACE TEMP TABLE missing_record (accession VARCHAR, is_eligible BOOLEAN, is_accepted BOOLEAN);
