"""Hash the records anew, as reports/data_report.sql does from here on: each field with its name, none that is absent.

Without this every record would look like a revision of itself.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FIELDS = {
    "accession_version": "accession_version",
    "bioprojects": "to_json(bioprojects)",
    "biosample": "biosample",
    "collection_date": "collection_date",
    "completeness": "nullif(completeness, 'UNKNOWN')",
    "gene_count": "gene_count",
    "geo_location": "geo_location",
    "geo_region": "geo_region",
    "host_common_name": "host_common_name",
    "host_infraspecific_names": "host_infraspecific_names",
    "host_name": "host_name",
    "host_tax_id": "host_tax_id",
    "is_annotated": "nullif(is_annotated, false)",
    "is_lab_host": "nullif(is_lab_host, false)",
    "is_vaccine_strain": "nullif(is_vaccine_strain, false)",
    "isolate_name": "isolate_name",
    "isolate_source": "isolate_source",
    "lab_host": "lab_host",
    "length": "length",
    "mature_peptide_count": "mature_peptide_count",
    "mol_type": "mol_type",
    "pango_lineage": "pango_lineage",
    "protein_count": "protein_count",
    "purpose_of_sampling": "purpose_of_sampling",
    "release_date": "release_date",
    "segment": "segment",
    "sequence_hash": "sequence_hash",
    "source_database": "source_database",
    "sra_accessions": "to_json(sra_accessions)",
    "submitter_affiliation": "submitter_affiliation",
    "submitter_country": "submitter_country",
    "submitter_names": "to_json(submitter_names)",
    "usa_state": "usa_state",
    "virus_common_name": "virus_common_name",
    "virus_infraspecific_names": "virus_infraspecific_names",
    "virus_name": "virus_name",
    "virus_strain": "virus_strain",
    "virus_tax_id": "virus_tax_id",
}


def upgrade() -> None:
    pairs = ", ".join(
        f"'{name}=' || CASE WHEN contains(({field})::VARCHAR, chr(31)) THEN to_json(({field})::VARCHAR)::VARCHAR "
        f"ELSE ({field})::VARCHAR END"
        for name, field in FIELDS.items()
    )
    for table in ("virus_genome", "virus_genome_history"):
        op.execute(f"UPDATE {table} SET record_hash = md5_number_lower(concat_ws(chr(31), {pairs}))")


def downgrade() -> None:
    raise NotImplementedError("an older version would take every record for revised: restore the warehouse of before")
