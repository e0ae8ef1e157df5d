-- Samples and reads: Which attributes do the BioSamples have, and how often are they without a value?
-- Submitters must fill in attributes, and write `missing` or `not collected`. `value` is what they wrote;
-- `value_clean` is NULL for all these placeholders.
SELECT
    name,
    count(*) AS samples,
    count(value_clean) AS with_a_value,
    string_agg(DISTINCT value, ', ' ORDER BY value) FILTER (value_clean IS NULL) AS said_instead
FROM biosample_attribute
WHERE source = 'viruses'
GROUP BY name
ORDER BY with_a_value DESC, name;
