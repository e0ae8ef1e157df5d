-- A row per source, as published, with the name of its taxon where that is a tax id.
SELECT status.*, taxon.name AS taxon_name
FROM mart.source_status AS status
LEFT JOIN (SELECT tax_id, any_value(name) AS name FROM taxon GROUP BY tax_id) AS taxon
    ON try_cast(status.taxon AS BIGINT) = taxon.tax_id
ORDER BY status.source;
