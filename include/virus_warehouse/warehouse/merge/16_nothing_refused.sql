-- A further report of which the merge has refused no line -> refused_row.
CREATE OR REPLACE TEMP TABLE refused_row (line_number BIGINT, reason VARCHAR);
