-- A value, or NULL for the usual placeholders of missing values. The first line has INSDC's terms, optionally with a
-- reason after a colon; the second what submitters write instead.
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
'A text, or NULL for placeholders such as missing, not collected or unknown';
