-- Clears the findings of a report -> quarantined_line, drift. Reads the variable report.
DELETE FROM quarantined_line WHERE report = getvariable('report');
DELETE FROM drift WHERE report = getvariable('report');
