-- What is wrong or new in one line of a report, a JSON object. They read what a report is expected to hold from the
-- variables field_paths and field_kinds (every field that is read), object_paths (every object), read_names and
-- known_names (for each object the names that are read in it, and those that NCBI is known to give in it). Paths are
-- JSON paths; each look parses the line once for all of them.

-- The fields of another kind than expected, each as {path, kind, type, value}. A number or a flag may stand in quotes,
-- as protobuf's JSON allows; it may not lose anything by being read: 1.5 is no whole number, nor is 1e3.
CREATE OR REPLACE MACRO mistyped_fields(raw) AS list_filter(
    list_transform(
        list_zip(
            getvariable('field_paths'),
            getvariable('field_kinds'),
            json_type(raw, getvariable('field_paths')),
            json_extract(raw, getvariable('field_paths'))
        ),
        LAMBDA field: { 'path': field[1], 'kind': field[2], 'type': field[3], 'value': field[4] }
    ),
    LAMBDA field: field.type <> 'NULL' AND CASE field.kind
        WHEN 'VARCHAR' THEN field.type <> 'VARCHAR'
        WHEN 'BIGINT' THEN whole_number(json_extract_string(field.value, '$')) IS NULL
        WHEN 'BOOLEAN' THEN truth(json_extract_string(field.value, '$')) IS NULL
        WHEN 'VARCHAR[]' THEN
            field.type <> 'ARRAY'
            OR len(list_filter(json_extract(field.value, '$[*]'), LAMBDA item: json_type(item) <> 'VARCHAR')) > 0
        WHEN 'JSON' THEN field.type <> 'OBJECT'
        WHEN 'LINEAGE' THEN field.type <> 'ARRAY' OR len(mistyped_steps(json_extract(field.value, '$[*]'))) > 0
        ELSE field.type <> field.kind
    END
);

-- The objects in which a name that is read is given twice: a strict read stops at those.
CREATE OR REPLACE MACRO objects_with_repeated_names(raw) AS list_filter(
    list_zip(
        getvariable('object_paths'), getvariable('read_names'), json_keys(raw, getvariable('object_paths'))
    ),
    LAMBDA object: len(list_filter(object[3], LAMBDA name: list_contains(object[2], name)))
    > len(list_intersect(object[2], object[3]))
);

-- The names that NCBI is not known to give, each as {path, pointer}: as JSON path, and as the pointer to its value.
CREATE OR REPLACE MACRO unknown_names(raw) AS flatten(list_transform(
    list_zip(
        getvariable('object_paths'), getvariable('known_names'), json_keys(raw, getvariable('object_paths'))
    ),
    LAMBDA object: list_transform(
        list_filter(object[3], LAMBDA name: NOT list_contains(object[2], name)),
        LAMBDA name: {
            'path': object[1] || '.' || name,
            'pointer': replace(object[1][2:], '.', '/') || '/' || replace(replace(name, '~', '~0'), '/', '~1')
        }
    )
));
