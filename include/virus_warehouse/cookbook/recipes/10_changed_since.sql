-- What changed: What is new, revised or withdrawn since yesterday?
-- Pass the time of your last look to `mart.change_since`. Records of a source's first load are left out. A record of
-- two sources changes in both.
SELECT changed_at::DATE AS day, source, change, count(*) AS records, min(accession_version) AS such_as
FROM mart.change_since('2026-11-19 18:00:00+00')
WHERE NOT is_first_load
GROUP BY changed_at, source, change
ORDER BY changed_at, source, change;
