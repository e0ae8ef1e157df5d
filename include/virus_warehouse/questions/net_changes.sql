-- What has changed in the answer to a question after a time: one row for each row of the answer, however often it
-- changed; rows that are as before are left out. Reads the variables question and since.
WITH net AS (
    SELECT
        key,
        first(answer_before ORDER BY changed_at) AS answer_before,
        last(answer ORDER BY changed_at) AS answer,
        max(changed_at) AS changed_at
    FROM mart.saved_question_change
    WHERE question = getvariable('question') AND changed_at > getvariable('since')
    GROUP BY key
)

SELECT
    CASE WHEN answer_before IS NULL THEN 'new' WHEN answer IS NULL THEN 'gone' ELSE 'changed' END AS change,
    answer::VARCHAR AS answer,
    answer_before::VARCHAR AS answer_before,
    changed_at
FROM net
WHERE answer IS DISTINCT FROM answer_before
ORDER BY change, key;
