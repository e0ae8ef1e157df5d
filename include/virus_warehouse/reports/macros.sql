-- Macros for NCBI's free texts. Partial dates stay partial: a month is a range of days, never its first day.

-- The first day of a collection date in any of INSDC's formats; a range is A/B.
-- https://www.insdc.org/submitting-standards/feature-table/ (qualifier /collection_date)
CREATE OR REPLACE MACRO first_day_of(day_text) AS CASE
    WHEN regexp_full_match(day_text, '\d{4}-\d{2}-\d{2}(T.*)?') THEN try_cast(day_text[:10] AS DATE)
    WHEN regexp_full_match(day_text, '\d{4}-\d{2}') THEN try_cast(day_text || '-01' AS DATE)
    WHEN regexp_full_match(day_text, '[12]\d{3}') THEN try_cast(day_text || '-01-01' AS DATE)
    WHEN regexp_full_match(day_text, '\d{1,2}-[A-Za-z]{3}-\d{4}') THEN try_strptime(day_text, '%d-%b-%Y')::DATE
    WHEN regexp_full_match(day_text, '[A-Za-z]{3}-\d{4}') THEN try_strptime('1-' || day_text, '%d-%b-%Y')::DATE
END;

-- The precision of a date that first_day_of can read.
CREATE OR REPLACE MACRO precision_of(day_text) AS CASE
    WHEN regexp_full_match(day_text, '\d{4}') THEN 'year'
    WHEN regexp_full_match(day_text, '\d{4}-\d{2}|[A-Za-z]{3}-\d{4}') THEN 'month'
    ELSE 'day'
END;

-- The first day of a date in the usual formats YYYY-MM-DD, YYYY-MM or YYYY: faster, without regular expressions.
CREATE OR REPLACE MACRO usual_first_day(date_text) AS CASE len(date_text)
    WHEN 10 THEN CASE WHEN try_cast(date_text AS DATE)::VARCHAR = date_text THEN try_cast(date_text AS DATE) END
    WHEN 7 THEN CASE
        WHEN starts_with(try_cast(date_text || '-01' AS DATE)::VARCHAR, date_text)
            THEN try_cast(date_text || '-01' AS DATE)
    END
    WHEN 4 THEN CASE WHEN date_text BETWEEN '1000' AND '2999' THEN try_cast(date_text || '-01-01' AS DATE) END
END;

-- Numbers and flags are read as text to lose nothing: DuckDB's own reader turns 1.5 into 2 and true into 1.
CREATE OR REPLACE MACRO whole_number(given) AS
    CASE WHEN try_cast(given AS BIGINT)::VARCHAR = given THEN try_cast(given AS BIGINT) END;

CREATE OR REPLACE MACRO truth(given) AS CASE lower(given) WHEN 'true' THEN true WHEN 'false' THEN false END;

-- The same for a JSON value, which may be in quotes.
CREATE OR REPLACE MACRO number_in(given) AS CASE
    WHEN given IS NOT NULL THEN coalesce(whole_number(given::VARCHAR), whole_number(trim(given::VARCHAR, '"')))
END;

CREATE OR REPLACE MACRO flag_in(given) AS CASE
    WHEN given IS NULL THEN NULL
    WHEN given::VARCHAR = 'true' THEN true
    WHEN given::VARCHAR = 'false' THEN false
    ELSE truth(trim(given::VARCHAR, '"'))
END;

-- The UTC day of a time. NCBI gives midnight, which needs no time zone conversion.
CREATE OR REPLACE MACRO day_in(given) AS CASE
    WHEN suffix(given, 'T00:00:00Z') THEN try_cast(split_part(given, 'T', 1) AS DATE)
    ELSE try_cast(given AS TIMESTAMPTZ)::DATE
END;

-- A time without a zone, as in BioSample; NULL when it is invalid.
CREATE OR REPLACE MACRO moment_in(given) AS
    CASE WHEN isfinite(try_cast(given AS TIMESTAMP)) THEN try_cast(given AS TIMESTAMP) END;

-- A hash of a line's contents, with names. Nulls are left out, so that new fields change no hash. Quotes within texts
-- are escaped, so that no text looks like a name.
CREATE OR REPLACE MACRO content_hash(content) AS md5_number_lower(
    regexp_replace(to_json(content)::VARCHAR, ',"\w+":null|"\w+":null,?', '', 'g')
);

-- The accession.version in a line of a report, even if the line is not JSON; NULL if there is none.
CREATE OR REPLACE MACRO accession_of(raw) AS CASE
    WHEN json_valid(raw) THEN json_extract_string(raw, '$.accession')
    ELSE nullif(regexp_extract(raw, '"accession"\s*:\s*"([^"]+)"', 1), '')
END;

-- Why a line is not a JSON object, or could not be decoded; NULL for an object.
CREATE OR REPLACE MACRO not_an_object_reason(refusal, raw) AS CASE
    WHEN refusal IS NOT NULL THEN refusal
    WHEN NOT json_valid(raw) THEN 'not JSON, or more than one value on the line'
    WHEN json_type(raw) <> 'OBJECT' THEN 'not a JSON object but ' || json_type(raw)
END;
