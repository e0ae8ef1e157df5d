-- The days that the collection dates of a report stand for, each text once -> collection_day: there are few of them,
-- and many ways to write one. And the report's rows with them -> data_report. Reads staged_row.
CREATE OR REPLACE TEMP TABLE collection_day AS
SELECT
    collection_date,
    days.first AS collection_date_min,
    days.last AS collection_date_max,
    days.precision AS collection_date_precision
FROM (
    SELECT collection_date, collection_days(collection_date) AS days
    FROM (SELECT DISTINCT staged_row.collection_date FROM staged_row)
);

CREATE OR REPLACE TEMP VIEW data_report AS
SELECT staged_row.*, collection_day.* EXCLUDE (collection_date)
FROM staged_row
LEFT JOIN collection_day USING (collection_date);
