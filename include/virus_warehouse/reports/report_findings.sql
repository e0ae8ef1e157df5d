-- What is found in several reports, kept apart by report: refused lines, drift, and lines to be read again.
CREATE TEMP TABLE IF NOT EXISTS report_refused_line (
    report VARCHAR, line_number BIGINT, reason VARCHAR, raw VARCHAR, raw_sha256 VARCHAR
);
CREATE TEMP TABLE IF NOT EXISTS report_drift (report VARCHAR, path VARCHAR, occurrences BIGINT, sample VARCHAR);
CREATE TEMP TABLE IF NOT EXISTS report_replay_line (report VARCHAR, raw VARCHAR, raw_sha256 VARCHAR);
