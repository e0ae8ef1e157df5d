-- The lineages of the data report -> taxon_seen, taxon_lineage_seen. Reads lineage_given.
CREATE OR REPLACE TEMP TABLE lineage_read AS
SELECT
    tax_id,
    nullif(lineage_given.name, '') AS organism_name,
    list_filter(
        from_json(lineage_given.lineage, '[{"taxId":"BIGINT","name":"VARCHAR"}]'),
        LAMBDA step: step.taxId IS NOT NULL
    ) AS steps
FROM lineage_given
WHERE tax_id IS NOT NULL;

-- Of several lineages of a taxon the fullest, then the one that names most of its steps: NCBI gives one step without a
-- name where it has deleted or merged a tax id.
CREATE OR REPLACE TEMP TABLE lineage_seen AS
SELECT
    tax_id,
    min(organism_name) AS organism_name,
    arg_max(
        steps,
        (len(steps), len(list_filter(steps, LAMBDA step: step.name <> '')), steps::VARCHAR)
    ) AS fullest,
    -- NCBI ends a lineage with the taxon itself; where it does not, the taxon is put there.
    CASE
        WHEN fullest[-1].taxId = tax_id THEN fullest
        ELSE list_append(coalesce(fullest, []), { 'taxId': tax_id, 'name': NULL })
    END AS lineage
FROM lineage_read
GROUP BY tax_id;

-- A taxon has the name that its own lineage gives it, or else another's. What records call the organism is often a
-- former name: it is kept apart, for taxa that no lineage names.
CREATE OR REPLACE TEMP TABLE taxon_seen AS
WITH named AS (
    SELECT step.taxId AS tax_id, arg_min(step.name, (step.taxId <> lineage_tax_id, step.name)) AS name
    FROM (SELECT tax_id AS lineage_tax_id, unnest(steps) AS step FROM lineage_read)
    WHERE step.name <> ''
    GROUP BY step.taxId
)

SELECT tax_id, named.name, lineage_seen.organism_name
FROM (SELECT DISTINCT unnest(lineage).taxId AS tax_id FROM lineage_seen)
LEFT JOIN named USING (tax_id)
LEFT JOIN lineage_seen USING (tax_id);

-- Every taxon on the way is a descendant of those above it, so that "everything under" works at any rank. Where two
-- lineages disagree about a taxon, its own lineage wins, or else that of the lowest tax id.
CREATE OR REPLACE TEMP TABLE taxon_lineage_seen AS
WITH place AS (
    SELECT tax_id, lineage, unnest(range(1, len(lineage) + 1)) AS position FROM lineage_seen
),

descendant AS (
    SELECT
        lineage[position].taxId AS descendant_tax_id,
        arg_min(lineage[:position], (position < len(lineage), tax_id)) AS line
    FROM place
    GROUP BY descendant_tax_id
)

SELECT
    descendant_tax_id,
    line[ancestor].taxId AS ancestor_tax_id,
    min(len(line) - ancestor)::INTEGER AS depth
FROM (SELECT descendant_tax_id, line, unnest(range(1, len(line) + 1)) AS ancestor FROM descendant)
GROUP BY descendant_tax_id, ancestor_tax_id;
