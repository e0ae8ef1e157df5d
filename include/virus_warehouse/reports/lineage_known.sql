-- How many names and texts the lineages of a part hold that are known, and how many of them or of their steps are
-- mistyped. Reads lineage_look.
SELECT
    coalesce(sum(occurrences * lineage_names(lineage)), 0)::BIGINT,
    coalesce(sum(occurrences * lineage_texts(lineage)), 0)::BIGINT,
    coalesce(sum(
        CASE
            WHEN json_type(lineage) = 'ARRAY' THEN len(mistyped_steps(json_extract(lineage, '$[*]')))
            ELSE 1
        END
    ), 0)::BIGINT
FROM lineage_look
WHERE lineage IS NOT NULL;
