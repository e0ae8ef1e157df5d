-- Some lines of data_report.jsonl -> records_of_part(path): one row a line, in the order of the lines, typed and
-- flattened. Reads the variable report_columns, and stops with an error at the first line it cannot read.
CREATE OR REPLACE TEMP MACRO records_of_part(part_path) AS TABLE
WITH line AS (
    SELECT * FROM read_json(
        part_path,
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
        virus.lineage AS virus_lineage,
        whole_number(host.taxId) AS host_tax_id,
        host.organismName AS host_name,
        host.commonName AS host_common_name,
        host.infraspecificNames AS host_infraspecific_names,
        host.lineage AS host_lineage,
        isolate.name AS isolate_name,
        isolate.source AS isolate_source,
        isolate.collectionDate AS collection_date,
        location.geographicLocation AS geo_location,
        location.geographicRegion AS geo_region,
        location.usaState AS usa_state,
        day_in(releaseDate) AS release_date,
        -- NCBI's placeholder is no date.
        nullif(day_in(updateDate), DATE '1900-01-01') AS update_date,
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
    -- Only what the report says, never what we derive from it, and never update_date: a better reading of a place
    -- or NCBI's re-dating of a record is no revision. Each field has its name before it, and absent fields and defaults
    -- are left out: a field that is read one day, which takes its place in the alphabet, changes no hash of a record
    -- without it.
    md5_number_lower(concat_ws(
        chr(31),
        'accession_version=' || hashed(accession_version),
        'bioprojects=' || hashed(to_json(bioprojects)),
        'biosample=' || hashed(biosample),
        'collection_date=' || hashed(collection_date),
        'completeness=' || hashed(nullif(completeness, 'UNKNOWN')),
        'gene_count=' || hashed(gene_count),
        'geo_location=' || hashed(geo_location),
        'geo_region=' || hashed(geo_region),
        'host_common_name=' || hashed(host_common_name),
        'host_infraspecific_names=' || hashed(host_infraspecific_names),
        'host_name=' || hashed(host_name),
        'host_tax_id=' || hashed(host_tax_id),
        'is_annotated=' || hashed(nullif(is_annotated, false)),
        'is_lab_host=' || hashed(nullif(is_lab_host, false)),
        'is_vaccine_strain=' || hashed(nullif(is_vaccine_strain, false)),
        'isolate_name=' || hashed(isolate_name),
        'isolate_source=' || hashed(isolate_source),
        'lab_host=' || hashed(lab_host),
        'length=' || hashed(length),
        'mature_peptide_count=' || hashed(mature_peptide_count),
        'mol_type=' || hashed(mol_type),
        'pango_lineage=' || hashed(pango_lineage),
        'protein_count=' || hashed(protein_count),
        'purpose_of_sampling=' || hashed(purpose_of_sampling),
        'release_date=' || hashed(release_date),
        'segment=' || hashed(segment),
        'sequence_hash=' || hashed(sequence_hash),
        'source_database=' || hashed(source_database),
        'sra_accessions=' || hashed(to_json(sra_accessions)),
        'submitter_affiliation=' || hashed(submitter_affiliation),
        'submitter_country=' || hashed(submitter_country),
        'submitter_names=' || hashed(to_json(submitter_names)),
        'usa_state=' || hashed(usa_state),
        'virus_common_name=' || hashed(virus_common_name),
        'virus_infraspecific_names=' || hashed(virus_infraspecific_names),
        'virus_name=' || hashed(virus_name),
        'virus_strain=' || hashed(virus_strain),
        'virus_tax_id=' || hashed(virus_tax_id)
    )) AS record_hash,
    -- What a readable line must not say; NULL for a good one.
    CASE
        WHEN accession_version IS NULL THEN 'accession: absent'
        WHEN NOT regexp_full_match(accession_version, '[A-Za-z0-9_]+\.[0-9]+') OR version IS NULL
            THEN 'accession: not of the form accession.version'
        WHEN NOT is_typed THEN 'a number or a flag: mistyped'
        WHEN releaseDate IS NOT NULL AND NOT coalesce(isfinite(release_date), false) THEN 'releaseDate: not a date'
        WHEN updateDate IS NOT NULL AND NOT coalesce(isfinite(update_date), starts_with(updateDate, '1900-01-01'))
            THEN 'updateDate: not a date'
    END AS refusal
FROM field;
