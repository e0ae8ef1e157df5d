-- All changes so far, by kind.
SELECT change, is_first_load, count(*) AS changes
FROM mart.change_since('2000-01-01')
GROUP BY ALL;
