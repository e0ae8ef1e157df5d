-- A report in which nothing is wrong or new yet -> refused_line, drift.
CREATE OR REPLACE TEMP TABLE refused_line (line_number BIGINT, reason VARCHAR, raw VARCHAR, raw_sha256 VARCHAR);
CREATE OR REPLACE TEMP TABLE drift (path VARCHAR, occurrences BIGINT, sample VARCHAR);
