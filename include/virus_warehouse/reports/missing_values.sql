-- A value, or NULL where the text says in one of the usual ways that there is none. The first line has the terms of
-- INSDC, with a reason after a colon or without; the second what submitters write instead.
-- https://www.insdc.org/technical-specifications/missing-value-reporting/
CREATE OR REPLACE MACRO stated(value) AS CASE
    WHEN regexp_full_match(
        lower(trim(value)),
        '(missing|not[ _](applicable|collected|provided)|restricted access)( *:.*)?'
        || '|not[ _](available|determined|known|recorded|reported|specified|stated)|unknown|unspecified|undetermined'
        || '|n\.?/?a\.?|n\.?d\.?|none|null|-+|\?+|\.*'
    ) THEN NULL
    ELSE value
END;

COMMENT ON MACRO stated IS -- noqa: PRS
'A text, or NULL where it only says that there is none: missing, not collected, unknown and their like';
