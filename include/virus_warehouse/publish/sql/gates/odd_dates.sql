-- Records with impossible dates, few or many, published before or not.
SELECT odd_date.source, odd_date.field || ' is ' || odd_date.oddity AS fault,
    odd_date.accession || ' ' || odd_date.first_day AS example
FROM odd_date
INNER JOIN source_limit USING (source)
WHERE source_limit.max_odd_dates IS NOT NULL;
