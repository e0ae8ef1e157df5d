-- How nested reports are read.

-- A whole number as a strict read leaves it, in quotes or not; NULL when it is none.
CREATE OR REPLACE MACRO number_in(given) AS whole_number(trim(given::VARCHAR, '"'));

-- A time without a zone, such as BioSample gives; NULL when it is none.
CREATE OR REPLACE MACRO moment_in(given) AS
    CASE WHEN isfinite(try_cast(given AS TIMESTAMP)) THEN try_cast(given AS TIMESTAMP) END;

-- A hash of all that a line says, with names. Nulls leave no trace, so that a field added later changes no hash. Quotes
-- within texts are escaped: no text looks like a name.
CREATE OR REPLACE MACRO content_hash(content) AS md5_number_lower(
    regexp_replace(to_json(content)::VARCHAR, ',"\w+":null|"\w+":null,?', '', 'g')
);
