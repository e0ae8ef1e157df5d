-- How many names and texts the lineages of a report are known to hold, and how many of them or of their steps are
-- mistyped. Reads lineage_given.
WITH given AS (
    SELECT
        occurrences,
        json_extract(lineage, '$[*]') AS steps,
        flatten(list_transform(steps, LAMBDA step: json_keys(step))) AS names,
        CASE WHEN json_type(lineage) = 'ARRAY' THEN len(mistyped_steps(steps)) ELSE 1 END AS mistyped
    FROM lineage_given
    WHERE lineage IS NOT NULL
)

SELECT
    -- The name `lineage` itself, and what stands in the steps.
    coalesce(sum(occurrences * (1 + len(list_filter(names, LAMBDA name: name IN ('taxId', 'name'))))), 0)::BIGINT,
    coalesce(sum(occurrences * len(list_filter(names, LAMBDA name: name = 'name'))), 0)::BIGINT,
    coalesce(sum(mistyped), 0)::BIGINT
FROM given;
