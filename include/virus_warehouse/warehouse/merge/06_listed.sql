-- The records that a package lists -> listed(accession). A line that could not be read, but names its accession,
-- lists it.
CREATE OR REPLACE TEMP TABLE listed AS
SELECT accession FROM data_report
UNION ALL
SELECT split_part(accession_of(raw), '.', 1) FROM refused_line
WHERE report = 'data_report' AND accession_of(raw) IS NOT NULL;
