-- Removes the ended annotations, with their genes and proteins.
-- Reads the variable source, and annotation_ended(accession).
DELETE FROM warehouse.main.virus_protein
WHERE source = getvariable('source') AND accession IN (SELECT annotation_ended.accession FROM annotation_ended);

DELETE FROM warehouse.main.virus_gene
WHERE source = getvariable('source') AND accession IN (SELECT annotation_ended.accession FROM annotation_ended);

DELETE FROM warehouse.main.virus_annotation
WHERE source = getvariable('source') AND accession IN (SELECT annotation_ended.accession FROM annotation_ended);
