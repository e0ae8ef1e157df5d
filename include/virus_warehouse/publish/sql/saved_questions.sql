-- The answers of this publication, compared with those of the one before -> mart.saved_question,
-- mart.saved_question_answer, mart.saved_question_change.
-- Reads asked_question, the saved questions as they are now, with the error of those that could not be answered;
-- fresh_answer(question, key, answer), the answers of the others; published_question, published_answer and
-- published_change, the tables of the published snapshot; the variable kept_days, how long changes are kept.
DELETE FROM mart.saved_question;
DELETE FROM mart.saved_question_answer;
DELETE FROM mart.saved_question_change;

-- Never before an earlier one, whatever the clock says: who was informed until when depends on the order.
CREATE OR REPLACE TEMP TABLE asked AS
SELECT
    asked_question.*,
    published_question.began_at,
    greatest(
        now(),
        (SELECT max(changed_at) + INTERVAL 1 MICROSECOND FROM published_change),
        (SELECT max(began_at) + INTERVAL 1 MICROSECOND FROM published_question)
    ) AS asked_at
FROM asked_question
LEFT JOIN
    published_question
    ON asked_question.question = published_question.question
    AND asked_question.fingerprint = published_question.fingerprint;

INSERT INTO mart.saved_question BY NAME
SELECT
    * REPLACE (CASE WHEN error IS NULL THEN coalesce(began_at, asked_at) ELSE began_at END AS began_at)
FROM asked;

INSERT INTO mart.saved_question_answer
SELECT fresh_answer.*
FROM fresh_answer
UNION ALL
SELECT published_answer.*
FROM published_answer
SEMI JOIN (FROM asked WHERE error IS NOT NULL AND began_at IS NOT NULL) USING (question);

INSERT INTO mart.saved_question_change BY NAME
SELECT published_change.*
FROM published_change
INNER JOIN asked USING (question)
WHERE
    published_change.changed_at > asked.began_at
    AND published_change.changed_at > now() - to_days(getvariable('kept_days')::INTEGER)
UNION ALL BY NAME
SELECT
    asked.asked_at AS changed_at,
    question,
    CASE WHEN held.key IS NULL THEN 'new' WHEN fresh.key IS NULL THEN 'gone' ELSE 'changed' END AS change,
    key,
    fresh.answer,
    held.answer AS answer_before
FROM mart.saved_question_answer AS fresh
FULL JOIN published_answer AS held USING (question, key)
INNER JOIN asked USING (question)
WHERE asked.began_at IS NOT NULL AND fresh.answer IS DISTINCT FROM held.answer;
