-- Parts of biosample_report.jsonl -> rows_of(paths): one row per line, in order, typed and flattened.
-- Reads the variable report_columns, and fails at the first line it cannot read.
CREATE OR REPLACE TEMP MACRO rows_of(paths) AS TABLE
WITH given AS (
    SELECT
        line.*,
        names_and_texts_read(*COLUMNS(line.*)) AS names_and_texts
    FROM read_json(
        paths, format = 'newline_delimited', columns = getvariable('report_columns'), maximum_object_size = 16777216
    ) AS line
),

flattened AS (
    SELECT
        {
            'accession': accession,
            'title': description.title,
            'comment': description.comment,
            'tax_id': number_in(description.organism.taxId),
            'organism_name': description.organism.organismName,
            'owner_name': owner.name,
            -- NCBI writes an empty contact instead of no laboratory.
            'owner_labs': list_filter(
                list_transform(owner.contacts, LAMBDA contact: contact.lab), LAMBDA lab: lab IS NOT NULL
            ),
            'package': package,
            'models': models,
            'bioprojects': list_transform(bioprojects, LAMBDA bioproject: bioproject.accession),
            'bioproject_descriptions': list_transform(
                bioprojects,
                LAMBDA bioproject: {
                    'accession': bioproject.accession,
                    'title': bioproject.title,
                    'parent_accession': bioproject.parentAccession,
                    'parent_accessions': bioproject.parentAccessions
                }
            ),
            'sample_ids': sampleIds,
            'status': status.status,
            'status_when': moment_in(status."when"),
            'submission_date': moment_in(submissionDate),
            'publication_date': moment_in(publicationDate),
            'last_updated': moment_in(lastUpdated),
            'age': age,
            'biomaterial_provider': biomaterialProvider,
            'breed': breed,
            'collected_by': collectedBy,
            'collection_date': collectionDate,
            'cultivar': cultivar,
            'dev_stage': devStage,
            'ecotype': ecotype,
            'geo_loc_name': geoLocName,
            'host': host,
            'host_disease': hostDisease,
            'identified_by': identifiedBy,
            'ifsac_category': ifsacCategory,
            'isolate': isolate,
            'isolate_name_alias': isolateNameAlias,
            'isolation_source': isolationSource,
            'lat_lon': latLon,
            'project_name': projectName,
            'sample_name': sampleName,
            'serotype': serotype,
            'serovar': serovar,
            'sex': sex,
            'source_type': sourceType,
            'strain': strain,
            'sub_species': subSpecies,
            'tissue': tissue
        } AS sample,
        attributes,
        status."when" AS status_when_given,
        submissionDate AS submission_date_given,
        publicationDate AS publication_date_given,
        lastUpdated AS last_updated_given,
        names_and_texts
    FROM given
)

SELECT
    sample.*,
    attributes,
    content_hash({ 'sample': sample, 'attributes': attributes }) AS biosample_hash,
    names_and_texts,
    -- Why a readable line is invalid; NULL for a valid one.
    CASE
        WHEN sample.accession IS NULL THEN 'accession: absent'
        WHEN NOT regexp_full_match(sample.accession, '[A-Za-z0-9_]+') THEN 'accession: not one of BioSample'
        WHEN status_when_given IS NOT NULL AND sample.status_when IS NULL THEN 'status.when: not a time'
        WHEN submission_date_given IS NOT NULL AND sample.submission_date IS NULL THEN 'submissionDate: not a time'
        WHEN publication_date_given IS NOT NULL AND sample.publication_date IS NULL THEN 'publicationDate: not a time'
        WHEN last_updated_given IS NOT NULL AND sample.last_updated IS NULL THEN 'lastUpdated: not a time'
    END AS refusal
FROM flattened;
