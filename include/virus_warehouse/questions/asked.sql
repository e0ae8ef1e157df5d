-- The saved questions of a snapshot, with the size of their answers and the time of their last change.
WITH answered AS (
    SELECT question, count(*) AS rows FROM mart.saved_question_answer GROUP BY question
),

changed AS (
    SELECT question, max(changed_at) AS changed_at FROM mart.saved_question_change GROUP BY question
)

SELECT
    question,
    title,
    inform,
    inform_when,
    asked_at,
    began_at,
    error,
    coalesce(answered.rows, 0) AS rows,
    changed.changed_at
FROM mart.saved_question
LEFT JOIN answered USING (question)
LEFT JOIN changed USING (question)
ORDER BY question;
