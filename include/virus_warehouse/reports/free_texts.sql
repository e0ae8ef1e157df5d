-- Parses the free texts of a report, places and dates -> with_free_texts(rows). Reads data_report.
-- Each unusual date is parsed once: they are few, in many formats.
CREATE OR REPLACE TEMP TABLE unusual_collection_date AS
WITH given AS (
    SELECT DISTINCT data_report.collection_date, string_split(collection_date, '/') AS sides
    FROM data_report
    WHERE collection_date IS NOT NULL AND usual_first_day(collection_date) IS NULL
),

-- A day, a month or a year, or a range of two: from the first day of one to the last day of the other.
side AS (
    SELECT
        collection_date,
        len(sides) > 1 AS is_range,
        first_day_of(sides[1]) AS first,
        first_day_of(sides[-1]) AS last_begin,
        precision_of(sides[-1]) AS last_precision
    FROM given
    WHERE len(sides) <= 2
),

read AS (
    SELECT
        collection_date,
        is_range,
        first,
        CASE last_precision
            WHEN 'year' THEN make_date(year(last_begin), 12, 31)
            WHEN 'month' THEN last_day(last_begin)
            ELSE last_begin
        END AS last,
        CASE WHEN is_range THEN 'range' ELSE last_precision END AS precision
    FROM side
)

SELECT given.collection_date, { 'first': first, 'last': last, 'precision': precision } AS days
FROM given
LEFT JOIN read ON given.collection_date = read.collection_date AND read.first <= read.last;

-- INSDC's format of a place is `country:division, locality`, with or without spaces; some have a second colon instead
-- of the comma. Each place is parsed once: they are few.
-- https://www.insdc.org/submitting-standards/geo_loc_name-qualifier-vocabulary/
CREATE OR REPLACE TEMP TABLE place AS
SELECT
    given.geo_location,
    place_spelling.country,
    place_spelling.country_code,
    nullif(trim(regexp_extract(given.geo_location, '^[^:]*:([^:,]*)', 1)), '') AS division
FROM (SELECT DISTINCT data_report.geo_location FROM data_report WHERE geo_location IS NOT NULL) AS given
LEFT JOIN place_spelling ON spelling_of(split_part(given.geo_location, ':', 1)) = place_spelling.spelling;

-- Rows of data_report, from a table or view of that name, with the columns derived from free texts.
CREATE OR REPLACE TEMP MACRO with_free_texts(rows) AS TABLE
SELECT
    record.*,
    place.country,
    place.country_code,
    place.division,
    coalesce(usual_first_day(record.collection_date), unusual.days.first) AS collection_date_min,
    CASE
        WHEN unusual.collection_date IS NOT NULL THEN unusual.days.last
        WHEN len(record.collection_date) = 10 THEN collection_date_min
        WHEN len(record.collection_date) = 7 THEN last_day(collection_date_min)
        ELSE try_cast(record.collection_date || '-12-31' AS DATE)
    END AS collection_date_max,
    CASE
        WHEN unusual.collection_date IS NOT NULL THEN unusual.days.precision
        WHEN len(record.collection_date) = 10 THEN 'day'
        WHEN len(record.collection_date) = 7 THEN 'month'
        WHEN len(record.collection_date) = 4 THEN 'year'
    END AS collection_date_precision
FROM query_table(rows) AS record
LEFT JOIN place ON record.geo_location = place.geo_location
LEFT JOIN unusual_collection_date AS unusual ON record.collection_date = unusual.collection_date;
