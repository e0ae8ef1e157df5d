-- The tables of the saved questions in a snapshot; they stay empty without any.
CREATE SCHEMA IF NOT EXISTS mart;

CREATE TABLE IF NOT EXISTS mart.saved_question (
    question VARCHAR PRIMARY KEY,
    title VARCHAR NOT NULL,
    sql VARCHAR NOT NULL,
    key_columns VARCHAR[] NOT NULL,
    inform VARCHAR[] NOT NULL,
    inform_when VARCHAR,
    fingerprint VARCHAR NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL,
    began_at TIMESTAMPTZ,
    error VARCHAR
);
COMMENT ON TABLE mart.saved_question IS 'A saved question';
COMMENT ON COLUMN mart.saved_question.question IS 'Its name, that of its file';
COMMENT ON COLUMN mart.saved_question.title IS 'What it asks';
COMMENT ON COLUMN mart.saved_question.sql IS 'The query';
COMMENT ON COLUMN mart.saved_question.key_columns IS 'The columns that identify a row of the answer; empty: all';
COMMENT ON COLUMN mart.saved_question.inform IS 'The channels that are informed of changes';
COMMENT ON COLUMN mart.saved_question.inform_when IS
'Cron expression, in UTC, of when they are; NULL: soon after each publication';
COMMENT ON COLUMN mart.saved_question.fingerprint IS
'Hash of query and key: answers with another one are not compared';
COMMENT ON COLUMN mart.saved_question.asked_at IS 'When it was last asked';
COMMENT ON COLUMN mart.saved_question.began_at IS
'When it was first answered with this query; later answers are compared with the one before';
COMMENT ON COLUMN mart.saved_question.error IS
'Why it could not be answered when it was last asked; its last answer is kept. NULL if it was';

CREATE TABLE IF NOT EXISTS mart.saved_question_answer (
    question VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    answer JSON NOT NULL
);
COMMENT ON TABLE mart.saved_question_answer IS 'A row of the answer to a saved question';
COMMENT ON COLUMN mart.saved_question_answer.question IS 'The question';
COMMENT ON COLUMN mart.saved_question_answer.key IS 'The columns that identify the row, as JSON';
COMMENT ON COLUMN mart.saved_question_answer.answer IS 'The row, as JSON';

CREATE TABLE IF NOT EXISTS mart.saved_question_change (
    changed_at TIMESTAMPTZ NOT NULL,
    question VARCHAR NOT NULL,
    change VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    answer JSON,
    answer_before JSON
);
COMMENT ON TABLE mart.saved_question_change IS
'A row that is new, changed or gone in the answer to a saved question, compared with the publication before';
COMMENT ON COLUMN mart.saved_question_change.changed_at IS 'When the question was asked';
COMMENT ON COLUMN mart.saved_question_change.question IS 'The question';
COMMENT ON COLUMN mart.saved_question_change.change IS 'new, changed or gone';
COMMENT ON COLUMN mart.saved_question_change.key IS 'The columns that identify the row, as JSON';
COMMENT ON COLUMN mart.saved_question_change.answer IS 'The row, as JSON; NULL if it is gone';
COMMENT ON COLUMN mart.saved_question_change.answer_before IS 'The row before, as JSON; NULL if it is new';
