-- The choices of the filters: groups of several viruses, single viruses, countries; the largest first.
WITH held AS (
    SELECT
        virus_tax_id,
        coalesce(taxon.name, min(virus_name)) AS name,
        count(*) AS records
    FROM virus_genome
    LEFT JOIN taxon ON virus_tax_id = tax_id
    WHERE virus_tax_id IS NOT NULL
    GROUP BY virus_tax_id, taxon.name
),

-- Ranks between two branches have the same viruses: the lowest of them names the group.
branch AS (
    SELECT
        lineage.ancestor_tax_id,
        min(lineage.depth) AS depth,
        sum(held.records) AS records,
        list(held.virus_tax_id ORDER BY held.virus_tax_id) AS viruses
    FROM held
    INNER JOIN taxon_lineage AS lineage ON held.virus_tax_id = lineage.descendant_tax_id
    GROUP BY lineage.ancestor_tax_id
),

grouped AS (
    SELECT
        arg_min(ancestor_tax_id, depth) AS tax_id,
        any_value(records) AS records
    FROM branch
    WHERE len(viruses) BETWEEN 2 AND (SELECT count(*) - 1 FROM held)
    GROUP BY viruses
),

choice AS (
    SELECT
        'group' AS kind,
        taxon.tax_id AS tax_id,
        taxon.name AS name,
        grouped.records::BIGINT AS records
    FROM grouped
    INNER JOIN taxon USING (tax_id)
    UNION ALL
    SELECT
        'virus',
        virus_tax_id,
        name,
        records
    FROM held
    UNION ALL
    SELECT
        'country',
        NULL,
        country,
        count(*)
    FROM virus_genome
    WHERE country IS NOT NULL
    GROUP BY country
)

SELECT
    kind,
    tax_id,
    name
FROM choice
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY records DESC, name) <= 200
ORDER BY kind, CASE WHEN kind = 'country' THEN 0 ELSE records END DESC, name
