-- What has changed in the answer to a question after a time: one row for each row of the answer, however often it
-- changed; rows that are as before are left out. With how many rows there are of each kind of change, and the first of
-- them. Reads the variables question, since and most_rows.
WITH net AS (
    SELECT
        key,
        first(answer_before ORDER BY changed_at) AS answer_before,
        last(answer ORDER BY changed_at) AS answer
    FROM mart.saved_question_change
    WHERE question = getvariable('question') AND changed_at > getvariable('since')
    GROUP BY key
),

net_change AS (
    SELECT
        *,
        CASE WHEN answer_before IS NULL THEN 'new' WHEN answer IS NULL THEN 'gone' ELSE 'changed' END AS change
    FROM net
    WHERE answer IS DISTINCT FROM answer_before
)

SELECT
    change,
    count(*) OVER of_kind AS rows,
    answer::VARCHAR AS answer,
    answer_before::VARCHAR AS answer_before
FROM net_change
WINDOW of_kind AS (PARTITION BY change)
QUALIFY row_number() OVER (PARTITION BY change ORDER BY key) <= getvariable('most_rows')
ORDER BY change, key;
