-- A report of which nothing has been read yet -> refused_line, drift, lineage_folded.
CREATE OR REPLACE TEMP TABLE refused_line (line_number BIGINT, reason VARCHAR, raw VARCHAR, raw_sha256 VARCHAR);
CREATE OR REPLACE TEMP TABLE drift (path VARCHAR, occurrences BIGINT, sample VARCHAR);
CREATE OR REPLACE TEMP TABLE lineage_folded (reference VARCHAR, lineage VARCHAR);
