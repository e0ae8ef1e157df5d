-- The records that a package lists, or one requested later -> listed(accession). An unreadable line with a readable
-- accession counts. Reads later_line.
CREATE OR REPLACE TEMP TABLE listed AS
SELECT accession FROM data_report
UNION ALL
SELECT split_part(accession_of(raw), '.', 1) FROM quarantined_line
WHERE report = 'data_report' AND accession_of(raw) IS NOT NULL
UNION ALL
SELECT accession FROM later_line;
