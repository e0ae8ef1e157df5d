-- How many names and texts the lineages of a part hold that are known, and how many of them or of their steps are
-- mistyped. A folded one is a name and a text. Reads lineage_look.
SELECT
    coalesce(sum(occurrences * CASE WHEN is_folded THEN 1 ELSE lineage_names(lineage) END), 0)::BIGINT,
    coalesce(sum(occurrences * CASE WHEN is_folded THEN 1 ELSE lineage_texts(lineage) END), 0)::BIGINT,
    coalesce(sum(
        CASE
            WHEN is_folded THEN 0
            WHEN json_type(lineage) = 'ARRAY' THEN len(mistyped_steps(json_extract(lineage, '$[*]')))
            ELSE 1
        END
    ), 0)::BIGINT
FROM lineage_look
WHERE lineage IS NOT NULL;
