-- Writes the new and revised BioSamples with their attributes.
-- Reads the variables source, run_id and valid_from, biosample_report and report_outcome.
CREATE OR REPLACE TEMP TABLE biosample_changed AS
SELECT *
FROM biosample_report
SEMI JOIN
    (SELECT line_number FROM report_outcome WHERE outcome IN ('inserted', 'revised')) AS merged
    USING (line_number);

DELETE FROM warehouse.main.biosample
WHERE source = getvariable('source') AND accession IN (SELECT biosample_changed.accession FROM biosample_changed);

DELETE FROM warehouse.main.biosample_attribute
WHERE source = getvariable('source') AND accession IN (SELECT biosample_changed.accession FROM biosample_changed);

INSERT INTO warehouse.main.biosample BY NAME
SELECT
    * EXCLUDE (line_number, attributes),
    getvariable('source') AS source,
    getvariable('valid_from') AS valid_from,
    getvariable('run_id') AS run_id
FROM biosample_changed;

INSERT INTO warehouse.main.biosample_attribute BY NAME
WITH attribute AS (
    SELECT accession, unnest(attributes) AS attribute, generate_subscripts(attributes, 1) AS attribute_number
    FROM biosample_changed
)

SELECT
    getvariable('source') AS source,
    accession,
    attribute_number,
    attribute.name,
    attribute.value,
    stated(attribute.value) AS value_clean
FROM attribute;
