-- A field for a record hash, after its name. Fields are separated by the unit separator; a text that contains one is
-- hashed as JSON, which escapes it, so that no value can imitate a following field. The variable has_separators says
-- whether any text of the parts read together may contain one, which is very rare.
CREATE OR REPLACE MACRO hashed(field) AS CASE
    WHEN getvariable('has_separators') AND contains(field::VARCHAR, chr(31)) THEN to_json(field::VARCHAR)::VARCHAR
    ELSE field::VARCHAR
END;

-- What precedes a field in a record hash: the separator and its name; NULL, which is left out, if there is no field.
CREATE OR REPLACE MACRO name_before(field, name) AS CASE WHEN field IS NOT NULL THEN chr(31) || name || '=' END;
