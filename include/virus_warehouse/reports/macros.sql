-- How NCBI's free texts are read. Partial stays partial: a month is a range of days, never its first day.

-- The forms that INSDC allows in a collection date, each with the first day it stands for; a range is A/B.
-- https://www.insdc.org/submitting-standards/feature-table/ (qualifier /collection_date)
CREATE OR REPLACE MACRO first_day_of(day_text) AS CASE
    WHEN regexp_full_match(day_text, '\d{4}-\d{2}-\d{2}(T.*)?') THEN try_cast(day_text[:10] AS DATE)
    WHEN regexp_full_match(day_text, '\d{4}-\d{2}') THEN try_cast(day_text || '-01' AS DATE)
    WHEN regexp_full_match(day_text, '[12]\d{3}') THEN try_cast(day_text || '-01-01' AS DATE)
    WHEN regexp_full_match(day_text, '\d{1,2}-[A-Za-z]{3}-\d{4}') THEN try_strptime(day_text, '%d-%b-%Y')::DATE
    WHEN regexp_full_match(day_text, '[A-Za-z]{3}-\d{4}') THEN try_strptime('1-' || day_text, '%d-%b-%Y')::DATE
END;

-- How much of a date that first_day_of can read is given.
CREATE OR REPLACE MACRO precision_of(day_text) AS CASE
    WHEN regexp_full_match(day_text, '\d{4}') THEN 'year'
    WHEN regexp_full_match(day_text, '\d{4}-\d{2}|[A-Za-z]{3}-\d{4}') THEN 'month'
    ELSE 'day'
END;

-- The first day of a collection date that is written as most are, YYYY-MM-DD, YYYY-MM or YYYY: read without patterns.
CREATE OR REPLACE MACRO usual_first_day(date_text) AS CASE len(date_text)
    WHEN 10 THEN CASE WHEN try_cast(date_text AS DATE)::VARCHAR = date_text THEN try_cast(date_text AS DATE) END
    WHEN 7 THEN CASE
        WHEN starts_with(try_cast(date_text || '-01' AS DATE)::VARCHAR, date_text)
            THEN try_cast(date_text || '-01' AS DATE)
    END
    WHEN 4 THEN CASE WHEN date_text BETWEEN '1000' AND '2999' THEN try_cast(date_text || '-01-01' AS DATE) END
END;

-- Numbers and flags are read as text, so that nothing is lost unseen: DuckDB's own reader makes 2 of 1.5 and 1 of true.
CREATE OR REPLACE MACRO whole_number(given) AS
    CASE WHEN try_cast(given AS BIGINT)::VARCHAR = given THEN try_cast(given AS BIGINT) END;

CREATE OR REPLACE MACRO truth(given) AS CASE lower(given) WHEN 'true' THEN true WHEN 'false' THEN false END;

-- The steps of a lineage that are not {taxId: a whole number, name: a text}.
CREATE OR REPLACE MACRO mistyped_steps(steps) AS list_filter(
    steps,
    LAMBDA step: coalesce(json_type(step), 'NULL') <> 'OBJECT'
    OR (json_type(step, '$.taxId') <> 'NULL' AND whole_number(json_extract_string(step, '$.taxId')) IS NULL)
    OR coalesce(json_type(step, '$.name') NOT IN ('NULL', 'VARCHAR'), false)
);

-- The known names that a lineage holds, the name `lineage` itself among them, and so many times its texts; less than
-- that if a step is mistyped, or it is no list.
CREATE OR REPLACE MACRO lineage_names_and_texts(lineage, text_counts) AS CASE
    WHEN json_type(lineage) <> 'ARRAY' OR len(mistyped_steps(json_extract(lineage, '$[*]'))) > 0 THEN -1
    ELSE 1 + coalesce(list_sum(list_transform(
        flatten(list_transform(json_extract(lineage, '$[*]'), LAMBDA step: json_keys(step))),
        LAMBDA name: CASE name WHEN 'taxId' THEN 1 WHEN 'name' THEN 1 + text_counts ELSE 0 END
    )), 0)
END;

-- The day of a time, in UTC. NCBI gives midnight, which is read without a calendar.
CREATE OR REPLACE MACRO day_in(given) AS CASE
    WHEN suffix(given, 'T00:00:00Z') THEN try_cast(split_part(given, 'T', 1) AS DATE)
    ELSE try_cast(given AS TIMESTAMPTZ)::DATE
END;

-- The accession.version that a line of a report names, also if the line is not JSON; NULL if it names none.
CREATE OR REPLACE MACRO accession_of(raw) AS CASE
    WHEN json_valid(raw) THEN json_extract_string(raw, '$.accession')
    ELSE nullif(regexp_extract(raw, '"accession"\s*:\s*"([^"]+)"', 1), '')
END;

-- Why a line, refused for its bytes or not, is no JSON object; NULL for one that is.
CREATE OR REPLACE MACRO no_object(refusal, raw) AS CASE
    WHEN refusal IS NOT NULL THEN refusal
    WHEN NOT json_valid(raw) THEN 'not JSON, or more than one value on the line'
    WHEN json_type(raw) <> 'OBJECT' THEN 'not a JSON object but ' || json_type(raw)
END;
