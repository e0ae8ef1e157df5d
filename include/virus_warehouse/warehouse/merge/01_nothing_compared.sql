-- A report of which nothing has been compared with the warehouse -> line_outcome, absent.
CREATE OR REPLACE TEMP TABLE line_outcome (line_number BIGINT, accession VARCHAR, update_date DATE, outcome VARCHAR);
CREATE OR REPLACE TEMP TABLE absent (accession VARCHAR, is_judged BOOLEAN, is_accepted BOOLEAN);
