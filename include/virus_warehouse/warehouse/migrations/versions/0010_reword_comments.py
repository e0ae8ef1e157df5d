"""Reword the comments of tables and columns.

The views are created again after every migration, with their present comments.
"""

from alembic import op

from virus_warehouse.sql_file import sql_text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

RECORD = {
    "accession_version": "accession.version, as given by NCBI",
    "virus_name": "Name of the virus in the record, often a former one: taxon_name(virus_tax_id) gives the current one",
    "virus_strain": "Strain, if NCBI Taxonomy lists one",
    "host_name": "Name of the host in the record, often a former one: taxon_name(host_tax_id) gives the current one",
    "isolate_name": "Isolate from which the sequence was obtained",
    "isolate_source": "Specimen or environment of the isolate",
    "collection_date_min": "Earliest possible day of collection",
    "collection_date_max": "Latest possible day of collection",
    "country": "Country or sea in geo_location, under its current INSDC name; NULL if none",
    "country_code": "ISO 3166-1 alpha-2 code of the country; NULL if it has none",
    "division": "geo_location from its first colon to the next colon or comma",
    "geo_region": "Continent, as assigned by NCBI",
    "usa_state": "Two-letter code of the U.S. state, as assigned by NCBI",
    "update_date": "Day of the last update in NCBI Virus, in UTC; NULL if unknown",
    "completeness": "COMPLETE, PARTIAL or UNKNOWN, as declared by the submitter",
    "gene_count": "Number of annotated genes; NULL when NCBI reports none",
    "protein_count": "Number of annotated proteins; NULL when NCBI reports none",
    "mature_peptide_count": "Number of annotated mature peptides; NULL when NCBI reports none",
    "is_annotated": "Whether the sequence is annotated",
    "sra_accessions": "SRA accessions of the reads (runs, sometimes samples)",
    "purpose_of_sampling": "Purpose of sampling, such as PURPOSE_OF_SAMPLING_BASELINE_SURVEILLANCE",
    "submitter_names": "Submitting authors, such as 'Wu,F.'",
    "lab_host": "Organism or cell line in which the virus was passaged",
    "sequence_hash": "NCBI's hash of the sequence: hexadecimal, without leading zeros",
    "record_hash": "Hash of all report fields except update_date",
    "status": "live, or missing: not listed by the last census",
}
"""Columns of a record, current or past."""

OUTCOMES = {
    "revised": "Records whose fields or version changed; the old state of a genome is in the history",
    "touched": "Records of which only update_date changed",
    "unchanged": "Records identical to what is held; nothing was written",
    "duplicate": "Further lines of a record that the same package has in a later state",
}

TABLES = {
    "main.virus_genome": "A current nucleotide record of NCBI, one row per source and accession",
    "main.biosample": "A BioSample of a current or past genome; past states of the BioSample are not kept",
    "main.taxon": "A taxon of a record, or one of its ancestors",
    "main.taxon_lineage": "A taxon paired with itself or an ancestor: one join finds everything under a taxon",
    "main.virus_annotation": "The annotation of a held genome; past annotation is not kept",
    "main.virus_gene": "A gene of a held genome",
    "main.virus_protein": "A coding region (CDS) of a held genome, or a mature peptide cleaved from one",
    "ops.acceptance": "Missing records or emptied fields that a person accepted, so that a load could commit",
    "ops.alembic_version": "The schema revision of the file",
    "ops.census_missing": "A record that a census did not list",
    "ops.ingest_report": "Line outcomes of each report file of a run",
    "ops.ingest_run": "The run ledger: one row per run, including failed runs",
    "ops.quarantine": "A report line that could not be read, kept for inspection and replay",
    "ops.schema_drift": "A field unknown to this version, or a report missing from a package; neither fails a load",
    "ops.source_status": "A source when the snapshot was made: status, contents and last run; empty in the warehouse",
}

COLUMNS = {
    "main.virus_genome": RECORD,
    "main.virus_genome_history": RECORD,
    "main.biosample": {
        "comment": "Comment of the owner",
        "tax_id": "NCBI Taxonomy ID of the sampled organism",
        "organism_name": "Scientific name of the sampled organism",
        "package": "BioSample package, the set of expected attributes, such as Pathogen.cl.1.0",
        "models": "BioSample models, which are families of packages",
        "bioproject_descriptions": "The BioProjects with their titles and parent projects",
        "sample_ids": "Its identifiers in other databases: database or label, and value",
        "status": "live, suppressed or another status of BioSample",
        "status_when": "When its status last changed; BioSample gives no time zone",
        "biomaterial_provider": "Laboratory or person that provided the material",
        "ifsac_category": "Food category as defined by IFSAC, the U.S. food safety collaboration",
        "isolate": "Individual from which the sample was obtained",
        "isolation_source": "Specimen or environment from which the sample was obtained",
        "serotype": "Taxonomic name below subspecies, like serovar",
        "serovar": "Taxonomic name below subspecies, like serotype",
        "sex": "Sex of the sampled organism",
        "tissue": "Tissue from which the sample was taken",
        "biosample_hash": "Hash of all that the report states about it",
    },
    "main.biosample_attribute": {
        "attribute_number": "Position among the sample's attributes, from 1",
        "value_clean": "Value, or NULL for a placeholder such as 'missing'",
    },
    "main.taxon": {
        "name": "Current scientific name, or that of a record if no lineage has the taxon",
    },
    "main.taxon_lineage": {
        "ancestor_tax_id": "The taxon itself or one of its ancestors",
        "depth": "Steps from the taxon up to the ancestor; 0 for the taxon itself",
    },
    "main.virus_annotation": {
        "accession_version": "accession.version of the genome, always the held version",
        "isolate_name": "Isolate, as given by the annotation report",
        "annotation_hash": "Hash of all that the report states about the genome",
    },
    "main.virus_gene": {
        "gene_number": "Position in the genome's annotation, from 1",
        "nucleotide_accession_version": "accession.version of the nucleotide record with the ranges",
        "nucleotide_ranges": "Its ranges on the genome: 1-based, both ends included",
        "nucleotide_sequence_hash": "NCBI's hash of its nucleotide sequence: hexadecimal",
    },
    "main.virus_protein": {
        "protein_number": "Position in the genome's annotation, from 1",
        "parent_protein_number": "The coding region from which a mature peptide is cleaved",
        "nucleotide_accession_version": "accession.version of the nucleotide record with the ranges",
        "nucleotide_ranges": "Its ranges on the genome; several for joins and ribosomal slippage",
        "nucleotide_sequence_hash": "NCBI's hash of its nucleotide sequence: hexadecimal",
        "protein_accession_version": "accession.version of the protein record with its amino acids",
        "protein_ranges": "Its ranges on that protein: 1-based, both ends included",
        "protein_sequence_hash": "NCBI's hash of its amino acids: equal hashes mean equal proteins",
    },
    "ops.alembic_version": {
        "version_num": "Revision of the schema, a number of Alembic",
    },
    "ops.census_missing": {
        "is_accepted": "Whether a person accepted the number of missing records",
    },
    "ops.ingest_report": {
        **OUTCOMES,
        "report": "Name of the report, such as data_report",
        "lines": "Non-blank lines, counted in the raw file",
    },
    "ops.ingest_run": {
        **OUTCOMES,
        "run_id": "Identifies one try of one DAG run",
        "fingerprint": "Hash of the requested filters and reports",
        "error": "Of a failed run, what went wrong and the way out",
        "updated_since": "First requested update date; NULL in a full run",
        "until": "End of the merged update dates, exclusive; NULL if unbounded",
        "requested_at": "When the package was requested",
        "http_status": "HTTP status of the last response",
        "ncbi_phid": "NCBI's request ID: quote it when asking NCBI for help",
        "datasets_version": "Version of NCBI Datasets that responded",
        "lines": "Non-blank lines of the data report, counted in the raw file; of others: ops.ingest_report",
        "withdrawn": "Records that this run withdrew: moved to the history",
        "missing": "Records still held that the census did not list; NULL if not a census",
        "watermark_before": "Watermark of the source and fingerprint before the run",
        "watermark": "Watermark after the run: the largest update_date that NCBI has shown",
        "seconds": "Wall-clock seconds by stage",
        "versions": "Versions of the software that loaded it",
    },
    "ops.quarantine": {
        "report": "Report file that contained the line",
        "line_number": "Line number in the file of the first run, from 1",
        "raw": "The line as received; bytes that are not UTF-8 as \\xNN",
        "first_run_id": "First run that received the line",
        "last_run_id": "Last run that received the line",
        "replayed_at": "When a replay loaded the line",
        "resolved_at": "When its record came on another line, or a full package no longer had the line",
        "acknowledged_at": "When a person acknowledged it; it raises no alarm after that",
    },
    "ops.schema_drift": {
        "report": "Report file that contained it",
        "path": "JSON path of a field unknown to this version; $ if the whole report is absent",
        "first_run_id": "First run that found it",
        "occurrences": "Number of occurrences, over all runs",
        "sample": "A sample value as JSON, truncated to 200 characters",
        "last_run_id": "Last run that found it",
        "resolved_at": "When a full package no longer had the field, or had the missing report",
        "acknowledged_at": "When a person acknowledged it; it raises no alarm after that",
    },
    "ops.source_status": {
        "detail": "Explanation of the status, where it needs one",
        "taxon": "Requested taxon",
        "last_run_error": "Error of its last run",
        "held_back_since": "Since when the source is held back; NULL if it is not",
        "held_back_reason": "The findings that hold it back, and the ways out",
    },
}


def upgrade() -> None:
    connection = op.get_bind()
    for table, comment in TABLES.items():
        connection.exec_driver_sql(f"COMMENT ON TABLE {table} IS {sql_text(comment)}")
    for table, comments in COLUMNS.items():
        for column, comment in comments.items():
            connection.exec_driver_sql(f'COMMENT ON COLUMN {table}."{column}" IS {sql_text(comment)}')
