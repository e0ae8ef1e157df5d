-- Puts what staging found in one of several reports where the merge of any report looks for it -> refused_line, drift,
-- replay_line. Reads the variable report.
CREATE OR REPLACE TEMP TABLE refused_line AS
SELECT * EXCLUDE (report) FROM report_refused_line WHERE report = getvariable('report');

CREATE OR REPLACE TEMP TABLE drift AS
SELECT * EXCLUDE (report) FROM report_drift WHERE report = getvariable('report');

CREATE OR REPLACE TEMP TABLE replay_line AS
SELECT * EXCLUDE (report) FROM report_replay_line WHERE report = getvariable('report');
