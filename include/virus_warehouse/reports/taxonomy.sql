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
-- name where it has deleted or merged a tax id. Few taxa have several, and comparing them takes long.
CREATE OR REPLACE TEMP TABLE lineage_seen AS
WITH several AS (
    SELECT tax_id FROM lineage_read GROUP BY tax_id HAVING count(*) > 1
),

chosen AS (
    SELECT * FROM lineage_read ANTI JOIN several USING (tax_id)
    UNION ALL
    SELECT
        tax_id,
        min(organism_name),
        arg_max(
            steps,
            (len(steps), len(list_filter(steps, LAMBDA step: step.name <> '')), steps::VARCHAR)
        )
    FROM lineage_read SEMI JOIN several USING (tax_id)
    GROUP BY tax_id
)

SELECT
    tax_id,
    organism_name,
    -- NCBI ends a lineage with the taxon itself; where it does not, the taxon is put there.
    CASE
        WHEN steps[-1].taxId = tax_id THEN steps
        ELSE list_append(coalesce(steps, []), { 'taxId': tax_id, 'name': NULL })
    END AS lineage
FROM chosen;

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
    SELECT
        tax_id,
        len(lineage) AS steps,
        unnest(lineage).taxId AS step_tax_id,
        generate_subscripts(lineage, 1) AS position
    FROM lineage_seen
),

descendant AS (
    SELECT
        step_tax_id AS descendant_tax_id,
        min({ 'is_above': position < steps, 'tax_id': tax_id, 'steps': position }) AS best
    FROM place
    GROUP BY step_tax_id
),

line AS (
    SELECT descendant_tax_id, best.steps AS steps, lineage
    FROM descendant JOIN lineage_seen ON best.tax_id = lineage_seen.tax_id
)

SELECT
    descendant_tax_id,
    lineage[ancestor].taxId AS ancestor_tax_id,
    min(steps - ancestor)::INTEGER AS depth
FROM (SELECT descendant_tax_id, lineage, steps, unnest(range(1, steps + 1)) AS ancestor FROM line)
GROUP BY descendant_tax_id, ancestor_tax_id;
