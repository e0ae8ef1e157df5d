-- What is found in the reports of a package -> refused_line, drift; the lines to be read again -> replay_line; and the
-- lineages that were folded in a report -> lineage_folded.
CREATE TEMP TABLE IF NOT EXISTS refused_line (
    report VARCHAR, line_number BIGINT, reason VARCHAR, raw VARCHAR, raw_sha256 VARCHAR
);
CREATE TEMP TABLE IF NOT EXISTS drift (report VARCHAR, path VARCHAR, occurrences BIGINT, sample VARCHAR);
CREATE TEMP TABLE IF NOT EXISTS replay_line (report VARCHAR, raw VARCHAR, raw_sha256 VARCHAR);
CREATE TEMP TABLE IF NOT EXISTS lineage_folded (reference VARCHAR, lineage VARCHAR);
