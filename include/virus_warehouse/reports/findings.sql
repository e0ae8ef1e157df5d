-- Tables for the findings in the reports of a package -> quarantined_line, drift; for lines of a replay -> replay_line;
-- and for the folded lineages of a report -> lineage_folded.
CREATE TEMP TABLE IF NOT EXISTS quarantined_line (
    report VARCHAR, line_number BIGINT, reason VARCHAR, raw VARCHAR, raw_sha256 VARCHAR
);
CREATE TEMP TABLE IF NOT EXISTS drift (report VARCHAR, path VARCHAR, occurrences BIGINT, sample VARCHAR);
CREATE TEMP TABLE IF NOT EXISTS replay_line (report VARCHAR, raw VARCHAR, raw_sha256 VARCHAR);
CREATE TEMP TABLE IF NOT EXISTS lineage_folded (reference VARCHAR, lineage VARCHAR);
