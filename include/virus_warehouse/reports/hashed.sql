-- A field as it goes into a record hash, after its name. Fields are set apart by the unit separator; a text that holds
-- one goes in as JSON, which writes it otherwise, so that no value can imitate the field that follows it. The variable
-- has_separators says whether any text of the part may hold one, which is nearly never so.
CREATE OR REPLACE MACRO hashed(field) AS CASE
    WHEN getvariable('has_separators') AND contains(field::VARCHAR, chr(31)) THEN to_json(field::VARCHAR)::VARCHAR
    ELSE field::VARCHAR
END;
