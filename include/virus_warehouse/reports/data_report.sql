-- A part of data_report.jsonl -> part: one row a line, in the order of the lines, typed and flattened.
-- Reads the variables report_path and report_columns. Stops with an error at the first line it cannot read.
CREATE OR REPLACE TEMP TABLE part AS
WITH line AS (
    SELECT * FROM read_json(
        getvariable('report_path'),
        format = 'newline_delimited', columns = getvariable('report_columns'), maximum_object_size = 16777216
    )
),

-- protobuf's JSON leaves out false, 0, '' and UNKNOWN: absent is false for a flag, and unknown for an enum.
-- https://protobuf.dev/programming-guides/json/
field AS (
    SELECT
        accession AS accession_version,
        whole_number(virus.taxId) AS virus_tax_id,
        virus.organismName AS virus_name,
        virus.commonName AS virus_common_name,
        virus.strain AS virus_strain,
        virus.infraspecificNames AS virus_infraspecific_names,
        virus.pangolinClassification AS pango_lineage,
        whole_number(host.taxId) AS host_tax_id,
        host.organismName AS host_name,
        host.commonName AS host_common_name,
        host.infraspecificNames AS host_infraspecific_names,
        isolate.name AS isolate_name,
        isolate.source AS isolate_source,
        isolate.collectionDate AS collection_date,
        location.geographicLocation AS geo_location,
        location.geographicRegion AS geo_region,
        location.usaState AS usa_state,
        try_cast(releaseDate AS TIMESTAMPTZ)::DATE AS release_date,
        try_cast(updateDate AS TIMESTAMPTZ)::DATE AS update_date,
        coalesce(completeness, 'UNKNOWN') AS completeness,
        whole_number(line.length) AS length,
        whole_number(geneCount) AS gene_count,
        whole_number(proteinCount) AS protein_count,
        whole_number(maturePeptideCount) AS mature_peptide_count,
        coalesce(truth(isAnnotated), false) AS is_annotated,
        sourceDatabase AS source_database,
        molType AS mol_type,
        segment,
        biosample,
        bioprojects,
        sraAccessions AS sra_accessions,
        purposeOfSampling AS purpose_of_sampling,
        submitter.names AS submitter_names,
        submitter.affiliation AS submitter_affiliation,
        submitter.country AS submitter_country,
        labHost AS lab_host,
        coalesce(truth(isLabHost), false) AS is_lab_host,
        coalesce(truth(isVaccineStrain), false) AS is_vaccine_strain,
        nucleotide.sequenceHash AS sequence_hash,
        releaseDate,
        updateDate,
        (line.length IS NULL) = (whole_number(line.length) IS NULL)
        AND (geneCount IS NULL) = (gene_count IS NULL)
        AND (proteinCount IS NULL) = (protein_count IS NULL)
        AND (maturePeptideCount IS NULL) = (mature_peptide_count IS NULL)
        AND (virus.taxId IS NULL) = (virus_tax_id IS NULL)
        AND (host.taxId IS NULL) = (host_tax_id IS NULL)
        AND (isAnnotated IS NULL OR truth(isAnnotated) IS NOT NULL)
        AND (isLabHost IS NULL OR truth(isLabHost) IS NOT NULL)
        AND (isVaccineStrain IS NULL OR truth(isVaccineStrain) IS NOT NULL) AS is_typed
    FROM line
)

SELECT
    split_part(accession_version, '.', 1) AS accession,
    try_cast(split_part(accession_version, '.', 2) AS INTEGER) AS version,
    * EXCLUDE (releaseDate, updateDate, is_typed),
    country_of(geo_location) AS country,
    division_of(geo_location) AS division,
    -- Only what the report says, never what we derive from it, and never update_date: a better reading of a place
    -- or NCBI's re-dating of a record is no revision. Sorted by name; absent fields and defaults leave no pair,
    -- so that a column added later changes no hash.
    md5_number_lower(concat_ws(chr(31),
        hash_pair('accession_version', accession_version),
        hash_pair('bioprojects', to_json(bioprojects)),
        hash_pair('biosample', biosample),
        hash_pair('collection_date', collection_date),
        hash_pair('completeness', nullif(completeness, 'UNKNOWN')),
        hash_pair('gene_count', gene_count),
        hash_pair('geo_location', geo_location),
        hash_pair('geo_region', geo_region),
        hash_pair('host_common_name', host_common_name),
        hash_pair('host_infraspecific_names', host_infraspecific_names),
        hash_pair('host_name', host_name),
        hash_pair('host_tax_id', host_tax_id),
        hash_pair('is_annotated', nullif(is_annotated, false)),
        hash_pair('is_lab_host', nullif(is_lab_host, false)),
        hash_pair('is_vaccine_strain', nullif(is_vaccine_strain, false)),
        hash_pair('isolate_name', isolate_name),
        hash_pair('isolate_source', isolate_source),
        hash_pair('lab_host', lab_host),
        hash_pair('length', length),
        hash_pair('mature_peptide_count', mature_peptide_count),
        hash_pair('mol_type', mol_type),
        hash_pair('pango_lineage', pango_lineage),
        hash_pair('protein_count', protein_count),
        hash_pair('purpose_of_sampling', purpose_of_sampling),
        hash_pair('release_date', release_date),
        hash_pair('segment', segment),
        hash_pair('sequence_hash', sequence_hash),
        hash_pair('source_database', source_database),
        hash_pair('sra_accessions', to_json(sra_accessions)),
        hash_pair('submitter_affiliation', submitter_affiliation),
        hash_pair('submitter_country', submitter_country),
        hash_pair('submitter_names', to_json(submitter_names)),
        hash_pair('usa_state', usa_state),
        hash_pair('virus_common_name', virus_common_name),
        hash_pair('virus_infraspecific_names', virus_infraspecific_names),
        hash_pair('virus_name', virus_name),
        hash_pair('virus_strain', virus_strain),
        hash_pair('virus_tax_id', virus_tax_id)
    )) AS record_hash,
    -- What a readable line must not say; NULL for a good one.
    CASE
        WHEN accession_version IS NULL THEN 'accession: absent'
        WHEN NOT regexp_full_match(accession_version, '[A-Za-z0-9_]+\.[0-9]+') OR version IS NULL
            THEN 'accession: not of the form accession.version'
        WHEN NOT is_typed THEN 'a number or a flag: mistyped'
        WHEN releaseDate IS NOT NULL AND NOT coalesce(isfinite(release_date), false) THEN 'releaseDate: not a date'
        WHEN updateDate IS NOT NULL AND NOT coalesce(isfinite(update_date), false) THEN 'updateDate: not a date'
    END AS refusal
FROM field;
