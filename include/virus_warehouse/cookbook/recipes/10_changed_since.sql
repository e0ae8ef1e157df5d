-- What changed: What is new, revised or gone since yesterday?
-- Give `mart.change_since` the time of your last look. Records that came with the first load of a source are no news
-- and are left out. A record of two sources changes in both.
SELECT changed_at::DATE AS day, source, change, count(*) AS records, min(accession_version) AS such_as
FROM mart.change_since('2026-11-19 18:00:00+00')
WHERE NOT is_first_load
GROUP BY changed_at, source, change
ORDER BY changed_at, source, change;
