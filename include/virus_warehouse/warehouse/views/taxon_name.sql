-- The current name of a taxon, by its tax id. Records often have a former name, or that of the family.
CREATE OR REPLACE MACRO taxon_name(id) AS (SELECT taxon.name FROM main.taxon WHERE taxon.tax_id = id);

COMMENT ON MACRO taxon_name IS -- noqa: PRS
'The current scientific name of a taxon, by its tax id; NULL if none is known. Group by the tax id: names change';
