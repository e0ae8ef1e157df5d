-- The lines of a staged data report. An unreadable line with a readable accession has that only.
SELECT accession, version, update_date
FROM data_report
UNION ALL
SELECT split_part(accession_of(raw), '.', 1), NULL, NULL FROM quarantined_line
WHERE report = 'data_report' AND accession_of(raw) IS NOT NULL
