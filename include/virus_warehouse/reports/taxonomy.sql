-- The lineages of the data report -> taxon_seen, taxon_lineage_seen. Reads lineage_given.
CREATE OR REPLACE TEMP TABLE lineage_seen AS
SELECT
    tax_id,
    max(name) AS name,
    list_filter(
        from_json(max(lineage_given.lineage), '[{"taxId":"BIGINT","name":"VARCHAR"}]'),
        LAMBDA step: step.taxId IS NOT NULL
    ) AS given_lineage,
    -- NCBI ends a lineage with the taxon itself; where it does not, the taxon is put there.
    CASE
        WHEN given_lineage[-1].taxId = tax_id THEN given_lineage
        ELSE list_append(coalesce(given_lineage, []), { 'taxId': tax_id, 'name': max(name) })
    END AS lineage
FROM lineage_given
WHERE tax_id IS NOT NULL
GROUP BY tax_id;

CREATE OR REPLACE TEMP TABLE taxon_seen AS
SELECT step.taxId AS tax_id, max(step.name) AS name
FROM (SELECT unnest(lineage) AS step FROM lineage_seen)
GROUP BY step.taxId;

-- Every taxon on the way is a descendant of those above it, so that "everything under" works at any rank. Where two
-- lineages disagree about a taxon, its own tells its ancestors, or else that of the lowest tax id.
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
