-- Creates refused_row, empty.
CREATE OR REPLACE TEMP TABLE refused_row (line_number BIGINT, reason VARCHAR);
