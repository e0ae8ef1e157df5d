-- Many records at once with impossible dates. Dates that are already published are not flagged again.
WITH new_odd_date AS (
    SELECT odd_date.*
    FROM odd_date
    LEFT JOIN published_genome AS published USING (source, accession)
    WHERE odd_date.last_day IS DISTINCT FROM CASE odd_date.field
        WHEN 'release_date' THEN published.release_date
        WHEN 'update_date' THEN published.update_date
        ELSE published.collection_date_max
    END
),

many AS (
    SELECT
        source_limit.source,
        source_limit.max_odd_dates,
        (SELECT count(*) FROM virus_genome WHERE virus_genome.source = source_limit.source) AS held,
        (
            SELECT count(DISTINCT new_odd_date.accession)
            FROM new_odd_date
            WHERE new_odd_date.source = source_limit.source
        ) AS odd
    FROM source_limit
)

SELECT
    source,
    format(
        '{} of {} records have new impossible dates, more than {}%: {} {}',
        many.odd, many.held, round(100 * many.max_odd_dates, 2), new_odd_date.field, new_odd_date.oddity
    ) AS fault,
    new_odd_date.accession || ' ' || new_odd_date.first_day AS example
FROM new_odd_date
INNER JOIN many USING (source)
WHERE many.odd >= getvariable('few') AND many.odd > many.held * many.max_odd_dates;
