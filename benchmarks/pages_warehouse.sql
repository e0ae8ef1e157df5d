-- A warehouse with many sources, for the pages: ten runs for each, one of them failed, and their records.
-- Reads the variables sources and records, the number of each.
INSERT INTO virus_genome BY NAME
SELECT
    format('source_{:02d}', number % getvariable('sources')) AS source,
    format('PX{:07d}', number) AS accession,
    1 AS version,
    format('PX{:07d}.1', number) AS accession_version,
    10244 AS virus_tax_id,
    ['Monkeypox virus', 'Dengue virus', 'Zika virus', 'Lassa virus', 'Ebola virus'][1 + number % 5] AS virus_name,
    ['USA', 'Germany', 'Nigeria', 'Brazil', 'Japan', 'India', 'Peru'][1 + number % 7] AS country,
    ['Homo sapiens', 'Sus scrofa', 'Gallus gallus'][1 + number % 3] AS host_name,
    today() - (number % 700)::INTEGER AS release_date,
    today() - (number % 300)::INTEGER AS update_date,
    today() - (number % 900)::INTEGER AS collection_date_min,
    today() - (number % 900)::INTEGER AS collection_date_max,
    197000 + number % 500 AS length,
    hash(number) AS record_hash,
    'live' AS status,
    now() - INTERVAL 10 DAY AS valid_from,
    format('run-{}-0', number % getvariable('sources')) AS run_id
FROM (SELECT unnest(range(getvariable('records'))) AS number);

INSERT INTO taxon BY NAME
SELECT
    10244 AS tax_id,
    'Monkeypox virus' AS name;

INSERT INTO taxon_lineage BY NAME
SELECT
    10244 AS descendant_tax_id,
    10244 AS ancestor_tax_id,
    0 AS depth;

INSERT INTO ops.ingest_run BY NAME
SELECT
    format('run-{}-{}', source_number, number) AS run_id,
    format('source_{:02d}', source_number) AS source,
    if(number = 0, 'full', 'incremental') AS mode,
    'f' AS fingerprint,
    if(number = 3, 'failed', 'success') AS status,
    if(number = 3, 'DatasetsUnavailable: NCBI answered 503 five times', NULL) AS error,
    now() - to_days((9 - number)::INTEGER) - INTERVAL 1 HOUR AS started_at,
    now() - to_days((9 - number)::INTEGER) AS ended_at,
    if(number = 0, NULL, today() - (24 - number)::INTEGER) AS updated_since,
    now() - to_days((9 - number)::INTEGER) - INTERVAL 1 HOUR AS requested_at,
    100 AS lines,
    10 AS inserted,
    30 AS revised,
    0 AS touched,
    60 AS unchanged,
    0 AS stale,
    0 AS duplicate,
    0 AS out_of_window,
    0 AS quarantined,
    today() - 10 AS watermark
FROM (SELECT unnest(range(getvariable('sources'))) AS source_number)
CROSS JOIN (SELECT unnest(range(10)) AS number);

INSERT INTO ops.ingest_report BY NAME
SELECT
    run_id,
    source,
    'data_report' AS report,
    lines,
    inserted,
    revised,
    touched,
    unchanged,
    stale,
    duplicate,
    out_of_window,
    quarantined
FROM ops.ingest_run;
