-- Updates taxon and taxon_lineage from the taxa of the package. Unchanged taxa are not written, and a name is never
-- replaced by NULL. A package older than the newest only adds new taxa, which its records may name, and fills in
-- missing names. Reads the variable is_newest_package.
CREATE OR REPLACE TEMP TABLE taxon_changed AS
SELECT seen.tax_id, coalesce(seen.name, held.name, seen.organism_name) AS name
FROM taxon_seen AS seen
LEFT JOIN warehouse.main.taxon AS held USING (tax_id)
WHERE
    held.tax_id IS NULL
    OR (
        coalesce(seen.name, held.name, seen.organism_name) IS DISTINCT FROM held.name
        AND (getvariable('is_newest_package') OR held.name IS NULL)
    );

DELETE FROM warehouse.main.taxon WHERE tax_id IN (SELECT taxon_changed.tax_id FROM taxon_changed);
INSERT INTO warehouse.main.taxon BY NAME SELECT * FROM taxon_changed;

-- Lineages are compared by a sum of hashes, which saves memory.
CREATE OR REPLACE TEMP TABLE lineage_changed AS
WITH seen AS (
    SELECT descendant_tax_id, count(*) AS steps, sum(hash(ancestor_tax_id, depth)) AS steps_hash
    FROM taxon_lineage_seen
    GROUP BY descendant_tax_id
),

held AS (
    SELECT descendant_tax_id, count(*) AS steps, sum(hash(ancestor_tax_id, depth)) AS steps_hash
    FROM warehouse.main.taxon_lineage
    GROUP BY descendant_tax_id
)

SELECT seen.descendant_tax_id
FROM seen LEFT JOIN held USING (descendant_tax_id)
-- A taxon without a lineage in the package keeps the one it has.
WHERE
    held.steps IS NULL
    OR (
        getvariable('is_newest_package')
        AND seen.steps > 1
        AND (seen.steps <> held.steps OR seen.steps_hash <> held.steps_hash)
    );

DELETE FROM warehouse.main.taxon_lineage
WHERE descendant_tax_id IN (SELECT lineage_changed.descendant_tax_id FROM lineage_changed);

INSERT INTO warehouse.main.taxon_lineage BY NAME
SELECT * FROM taxon_lineage_seen SEMI JOIN lineage_changed USING (descendant_tax_id);
