-- Defines the recipes at a DuckDB prompt, from the variable `recipes`, a list of structs. Everything is temporary; the
-- snapshot is not changed.
CREATE TEMP VIEW cookbook AS
SELECT entry.number, entry.name, entry.topic, entry.question
FROM (SELECT unnest(getvariable('recipes')) AS entry);

-- By number and by name, in a map: `query` cannot read from a table.
SET VARIABLE recipe_texts = (
    SELECT map_from_entries(list((key, entry.sql)))
    FROM (SELECT unnest(getvariable('recipes')) AS entry)
    CROSS JOIN unnest([entry.number::VARCHAR, entry.name]) AS keys (key)
);

CREATE TEMP MACRO recipe_text(which) AS coalesce(
    getvariable('recipe_texts')[which::VARCHAR],
    format(
        'SELECT error(''the cookbook has no recipe {}: FROM cookbook; lists them'')',
        replace(which::VARCHAR, '''', '''''')
    )
);

CREATE TEMP MACRO recipe(which) AS TABLE FROM query(recipe_text(which));

CREATE TEMP MACRO recipe_sql(which) AS TABLE SELECT unnest(string_split(recipe_text(which), chr(10))) AS sql;
