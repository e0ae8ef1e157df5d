-- Parts of data_report.jsonl -> rows_of(paths): one row per line, in order, typed and flattened.
-- Reads the variables report_columns and lineage_begins, and fails at the first line it cannot read.
CREATE OR REPLACE TEMP TABLE lineage_folded (reference VARCHAR, lineage VARCHAR);

-- The steps of a lineage that are not {taxId: a whole number, name: a text}, each given once.
CREATE OR REPLACE MACRO mistyped_steps(steps) AS list_filter(
    steps,
    LAMBDA step: coalesce(json_type(step), 'NULL') <> 'OBJECT'
    OR (json_type(step, '$.taxId') <> 'NULL' AND whole_number(json_extract_string(step, '$.taxId')) IS NULL)
    OR coalesce(json_type(step, '$.name') NOT IN ('NULL', 'VARCHAR'), false)
    OR len(list_distinct(json_keys(step))) < len(json_keys(step))
);

-- Counts the known names of a lineage, the name `lineage` itself among them, and its texts, which count text_counts
-- each; less if a step is mistyped, or it is not a list. A folded lineage is a reference, which is a text.
-- Reads the variable lineage_begins: the beginning of each reference, as JSON.
CREATE OR REPLACE MACRO lineage_names_and_texts(lineage, text_counts) AS CASE
    WHEN lineage IS NULL THEN 0
    WHEN starts_with(lineage::VARCHAR, getvariable('lineage_begins')) THEN 1 + text_counts
    WHEN json_type(lineage) <> 'ARRAY' OR len(mistyped_steps(json_extract(lineage, '$[*]'))) > 0 THEN -1
    ELSE 1 + coalesce(list_sum(list_transform(
        flatten(list_transform(json_extract(lineage, '$[*]'), LAMBDA step: json_keys(step))),
        LAMBDA name: CASE name WHEN 'taxId' THEN 1 WHEN 'name' THEN 1 + text_counts ELSE 0 END
    )), 0)
END;

CREATE OR REPLACE TEMP MACRO rows_of(paths) AS TABLE
WITH
-- protobuf's JSON omits false, 0, '' and UNKNOWN: absent is false for a flag, and unknown for an enum.
-- https://protobuf.dev/programming-guides/json/
field AS (
    SELECT
        accession AS accession_version,
        number_in(virus.taxId) AS virus_tax_id,
        virus.organismName AS virus_name,
        virus.commonName AS virus_common_name,
        virus.strain AS virus_strain,
        virus.infraspecificNames AS virus_infraspecific_names,
        virus.pangolinClassification AS pango_lineage,
        virus.lineage AS virus_lineage,
        number_in(host.taxId) AS host_tax_id,
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
        -- NCBI's placeholder for no date.
        nullif(day_in(updateDate), DATE '1900-01-01') AS update_date,
        coalesce(completeness, 'UNKNOWN') AS completeness,
        number_in(line.length) AS length,
        number_in(geneCount) AS gene_count,
        number_in(proteinCount) AS protein_count,
        number_in(maturePeptideCount) AS mature_peptide_count,
        coalesce(flag_in(isAnnotated), false) AS is_annotated,
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
        coalesce(flag_in(isLabHost), false) AS is_lab_host,
        coalesce(flag_in(isVaccineStrain), false) AS is_vaccine_strain,
        nucleotide.sequenceHash AS sequence_hash,
        releaseDate,
        updateDate,
        names_and_texts_read(*COLUMNS(line.*)) AS names_and_texts
    FROM read_json(
        paths, format = 'newline_delimited', columns = getvariable('report_columns'), maximum_object_size = 16777216
    ) AS line
)

SELECT
    split_part(accession_version, '.', 1) AS accession,
    try_cast(split_part(accession_version, '.', 2) AS INTEGER) AS version,
    * EXCLUDE (releaseDate, updateDate),
    -- Only contents of the report, no derived values and no update_date: parsing a place better, or a changed
    -- update_date, is no revision. Fields are hashed with their names, and omitted fields and defaults are left out:
    -- reading a new field (in alphabetical order) does not change the hash of records without it.
    md5_number_lower(concat(
        'accession_version=', hashed(accession_version),
        name_before(bioprojects, 'bioprojects'), hashed(to_json(bioprojects)),
        name_before(biosample, 'biosample'), hashed(biosample),
        name_before(collection_date, 'collection_date'), hashed(collection_date),
        name_before(nullif(completeness, 'UNKNOWN'), 'completeness'), hashed(nullif(completeness, 'UNKNOWN')),
        name_before(gene_count, 'gene_count'), hashed(gene_count),
        name_before(geo_location, 'geo_location'), hashed(geo_location),
        name_before(geo_region, 'geo_region'), hashed(geo_region),
        name_before(host_common_name, 'host_common_name'), hashed(host_common_name),
        name_before(host_infraspecific_names, 'host_infraspecific_names'), hashed(host_infraspecific_names),
        name_before(host_name, 'host_name'), hashed(host_name),
        name_before(host_tax_id, 'host_tax_id'), hashed(host_tax_id),
        name_before(nullif(is_annotated, false), 'is_annotated'), hashed(nullif(is_annotated, false)),
        name_before(nullif(is_lab_host, false), 'is_lab_host'), hashed(nullif(is_lab_host, false)),
        name_before(nullif(is_vaccine_strain, false), 'is_vaccine_strain'), hashed(nullif(is_vaccine_strain, false)),
        name_before(isolate_name, 'isolate_name'), hashed(isolate_name),
        name_before(isolate_source, 'isolate_source'), hashed(isolate_source),
        name_before(lab_host, 'lab_host'), hashed(lab_host),
        name_before(length, 'length'), hashed(length),
        name_before(mature_peptide_count, 'mature_peptide_count'), hashed(mature_peptide_count),
        name_before(mol_type, 'mol_type'), hashed(mol_type),
        name_before(pango_lineage, 'pango_lineage'), hashed(pango_lineage),
        name_before(protein_count, 'protein_count'), hashed(protein_count),
        name_before(purpose_of_sampling, 'purpose_of_sampling'), hashed(purpose_of_sampling),
        name_before(release_date, 'release_date'), hashed(release_date),
        name_before(segment, 'segment'), hashed(segment),
        name_before(sequence_hash, 'sequence_hash'), hashed(sequence_hash),
        name_before(source_database, 'source_database'), hashed(source_database),
        name_before(sra_accessions, 'sra_accessions'), hashed(to_json(sra_accessions)),
        name_before(submitter_affiliation, 'submitter_affiliation'), hashed(submitter_affiliation),
        name_before(submitter_country, 'submitter_country'), hashed(submitter_country),
        name_before(submitter_names, 'submitter_names'), hashed(to_json(submitter_names)),
        name_before(usa_state, 'usa_state'), hashed(usa_state),
        name_before(virus_common_name, 'virus_common_name'), hashed(virus_common_name),
        name_before(virus_infraspecific_names, 'virus_infraspecific_names'), hashed(virus_infraspecific_names),
        name_before(virus_name, 'virus_name'), hashed(virus_name),
        name_before(virus_strain, 'virus_strain'), hashed(virus_strain),
        name_before(virus_tax_id, 'virus_tax_id'), hashed(virus_tax_id)
    )) AS record_hash,
    -- Why a readable line is invalid; NULL for a valid one.
    CASE
        WHEN accession_version IS NULL THEN 'accession: absent'
        WHEN NOT regexp_full_match(accession_version, '[A-Za-z0-9_]+\.[0-9]+') OR version IS NULL
            THEN 'accession: not of the form accession.version'
        WHEN releaseDate IS NOT NULL AND NOT coalesce(isfinite(release_date), false) THEN 'releaseDate: not a date'
        WHEN updateDate IS NOT NULL AND NOT coalesce(isfinite(update_date), starts_with(updateDate, '1900-01-01'))
            THEN 'updateDate: not a date'
    END AS refusal
FROM field;
