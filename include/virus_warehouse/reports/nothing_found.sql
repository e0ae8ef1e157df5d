-- A report in which nothing has been found yet -> refused_line, drift. Reads the variable report.
DELETE FROM refused_line WHERE report = getvariable('report');
DELETE FROM drift WHERE report = getvariable('report');
