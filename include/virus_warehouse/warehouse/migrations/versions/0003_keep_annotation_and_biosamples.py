"""Keep annotation and BioSamples."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from duckdb_sqlalchemy.datatypes import Struct, UBigInteger
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMN_COMMENTS = (
    (
        "ingest_run",
        "lines",
        "Non-blank lines, counted from the bytes",
        "Non-blank lines of the data report, from its bytes; other reports: ops.ingest_report",
    ),
    (
        "ingest_run",
        "revised",
        "Records whose fields or version changed; the old state went to the history",
        "Records whose fields or version changed; a genome's old state went to the history",
    ),
    (
        "ingest_run",
        "out_of_window",
        "Lines whose update_date lies outside the run's window",
        "Lines of records last updated outside the run's window",
    ),
    (
        "ingest_run",
        "quarantined",
        "Lines that could not be read; see ops.quarantine",
        "Lines that could not be read or placed; see ops.quarantine",
    ),
    (
        "ingest_report",
        "revised",
        "Records whose fields or version changed; the old state went to the history",
        "Records whose fields or version changed; a genome's old state went to the history",
    ),
    (
        "ingest_report",
        "out_of_window",
        "Lines whose update_date lies outside the run's window",
        "Lines of records last updated outside the run's window",
    ),
    (
        "ingest_report",
        "quarantined",
        "Lines that could not be read; see ops.quarantine",
        "Lines that could not be read or placed; see ops.quarantine",
    ),
    (
        "schema_drift",
        "path",
        "JSON path of a member that this version does not know",
        "JSON path of a member that this version does not know; $: the report is absent",
    ),
)
"""Table, column, and its comment before and after."""

TABLE_COMMENT = (
    "What NCBI's reports hold beyond what this version reads; it stops no load",
    "What NCBI's reports hold beyond what this version reads, or lack altogether; it stops no load",
)


def _struct(**members: TypeEngine[Any]) -> Struct:
    return Struct(members)


RANGE = _struct(
    begin=sa.BigInteger(),
    end=sa.BigInteger(),
    orientation=sa.String(),
    order=sa.BigInteger(),
    ribosomal_slippage=sa.BigInteger(),
)


def upgrade() -> None:
    op.create_table(
        "virus_annotation",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column(
            "accession",
            sa.String(),
            nullable=False,
            comment="Accession of the genome, without version; joins virus_genome",
        ),
        sa.Column(
            "accession_version",
            sa.String(),
            nullable=False,
            comment="accession.version of the genome, always the held one",
        ),
        sa.Column("isolate_name", sa.String(), nullable=True, comment="Isolate, as the annotation report gives it"),
        sa.Column(
            "annotation_hash",
            UBigInteger(),
            nullable=False,
            comment="Hash of all that the report says of the genome",
        ),
        sa.Column(
            "valid_from",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="Commit time of the run that loaded this annotation",
        ),
        sa.Column(
            "run_id", sa.String(), nullable=False, comment="Run that loaded this annotation; joins ops.ingest_run"
        ),
        comment="The annotation of a genome that is held now; its past ones are not kept",
    )
    op.create_table(
        "virus_gene",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column(
            "accession",
            sa.String(),
            nullable=False,
            comment="Accession of the genome, without version; joins virus_genome",
        ),
        sa.Column(
            "gene_number",
            sa.BigInteger(),
            nullable=False,
            comment="Place of the gene in the genome's annotation, from 1",
        ),
        sa.Column("name", sa.String(), nullable=True, comment="Gene symbol"),
        sa.Column("gene_id", sa.BigInteger(), nullable=True, comment="NCBI Gene ID (RefSeq genomes only)"),
        sa.Column(
            "nucleotide_accession_version",
            sa.String(),
            nullable=True,
            comment="accession.version of the nucleotide record it lies on",
        ),
        sa.Column(
            "nucleotide_ranges",
            sa.ARRAY(RANGE),
            nullable=True,
            comment="Where it lies on the genome: from 1, both ends included",
        ),
        sa.Column(
            "nucleotide_sequence_hash",
            sa.String(),
            nullable=True,
            comment="NCBI's hash of its nucleotide sequence: hexadecimal text",
        ),
        comment="A gene of a genome that is held now",
    )
    op.create_table(
        "virus_protein",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column(
            "accession",
            sa.String(),
            nullable=False,
            comment="Accession of the genome, without version; joins virus_genome",
        ),
        sa.Column(
            "protein_number", sa.BigInteger(), nullable=False, comment="Place in the genome's annotation, from 1"
        ),
        sa.Column("gene_number", sa.BigInteger(), nullable=False, comment="Its gene; joins virus_gene"),
        sa.Column(
            "parent_protein_number",
            sa.BigInteger(),
            nullable=True,
            comment="Of a mature peptide, the coding region it is cut from",
        ),
        sa.Column("kind", sa.String(), nullable=False, comment="coding_region or mature_peptide"),
        sa.Column("name", sa.String(), nullable=True, comment="Name of the protein"),
        sa.Column("other_names", sa.ARRAY(sa.String()), nullable=True, comment="Synonyms"),
        sa.Column(
            "accession_version",
            sa.String(),
            nullable=True,
            comment="accession.version of the product itself; rarely stated",
        ),
        sa.Column(
            "nucleotide_accession_version",
            sa.String(),
            nullable=True,
            comment="accession.version of the nucleotide record it lies on",
        ),
        sa.Column(
            "nucleotide_ranges",
            sa.ARRAY(RANGE),
            nullable=True,
            comment="Where it lies on the genome; several where it is joined or slips",
        ),
        sa.Column(
            "nucleotide_sequence_hash",
            sa.String(),
            nullable=True,
            comment="NCBI's hash of its nucleotide sequence: hexadecimal text",
        ),
        sa.Column(
            "protein_accession_version",
            sa.String(),
            nullable=True,
            comment="accession.version of the protein record that has its residues",
        ),
        sa.Column(
            "protein_ranges",
            sa.ARRAY(RANGE),
            nullable=True,
            comment="Where it lies on that protein: from 1, both ends included",
        ),
        sa.Column(
            "protein_sequence_hash",
            sa.String(),
            nullable=True,
            comment="NCBI's hash of its residues: equal hashes, equal proteins",
        ),
        sa.Column("completeness", sa.String(), nullable=False, comment="COMPLETE, PARTIAL or UNKNOWN"),
        sa.Column("uniprot_id", sa.String(), nullable=True, comment="UniProtKB accession"),
        sa.Column("uniprot_name", sa.String(), nullable=True, comment="UniProtKB entry name"),
        sa.Column("pdb_ids", sa.ARRAY(sa.String()), nullable=True, comment="Structures in the Protein Data Bank"),
        sa.Column(
            "conserved_domains",
            sa.ARRAY(
                _struct(
                    accession=sa.String(),
                    name=sa.String(),
                    range=RANGE,
                )
            ),
            nullable=True,
            comment="Domains of NCBI's Conserved Domain Database (CDD), each with its range on the protein",
        ),
        comment="A coding region (CDS) of a genome that is held now, or a mature peptide cut from one",
    )
    op.create_table(
        "biosample",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column(
            "accession", sa.String(), nullable=False, comment="BioSample accession; joins virus_genome.biosample"
        ),
        sa.Column("title", sa.String(), nullable=True, comment="Title of the sample"),
        sa.Column("comment", sa.String(), nullable=True, comment="What the owner says of it besides"),
        sa.Column("tax_id", sa.BigInteger(), nullable=True, comment="NCBI Taxonomy ID of the organism sampled"),
        sa.Column("organism_name", sa.String(), nullable=True, comment="Scientific name of the organism sampled"),
        sa.Column("owner_name", sa.String(), nullable=True, comment="Institution that submitted it"),
        sa.Column("owner_labs", sa.ARRAY(sa.String()), nullable=True, comment="Laboratories that submitted it"),
        sa.Column(
            "package",
            sa.String(),
            nullable=True,
            comment="BioSample package: which attributes were asked for, such as Pathogen.cl.1.0",
        ),
        sa.Column("models", sa.ARRAY(sa.String()), nullable=True, comment="BioSample models, the families of packages"),
        sa.Column("bioprojects", sa.ARRAY(sa.String()), nullable=True, comment="BioProject accessions"),
        sa.Column(
            "bioproject_descriptions",
            sa.ARRAY(
                _struct(
                    accession=sa.String(),
                    title=sa.String(),
                    parent_accession=sa.String(),
                    parent_accessions=sa.ARRAY(sa.String()),
                )
            ),
            nullable=True,
            comment="The BioProjects with their titles and the projects they belong to",
        ),
        sa.Column(
            "sample_ids",
            sa.ARRAY(_struct(db=sa.String(), label=sa.String(), value=sa.String())),
            nullable=True,
            comment="Its ids elsewhere: database or label, and value",
        ),
        sa.Column("status", sa.String(), nullable=True, comment="live, suppressed or another of BioSample's"),
        sa.Column(
            "status_when",
            sa.TIMESTAMP(),
            nullable=True,
            comment="Since when it has that status; BioSample gives no time zone",
        ),
        sa.Column(
            "submission_date",
            sa.TIMESTAMP(),
            nullable=True,
            comment="When it was submitted; BioSample gives no time zone",
        ),
        sa.Column(
            "publication_date",
            sa.TIMESTAMP(),
            nullable=True,
            comment="When it was published; BioSample gives no time zone",
        ),
        sa.Column(
            "last_updated",
            sa.TIMESTAMP(),
            nullable=True,
            comment="When it was last updated; BioSample gives no time zone",
        ),
        sa.Column("age", sa.String(), nullable=True, comment="Age at the time of sampling"),
        sa.Column(
            "biomaterial_provider", sa.String(), nullable=True, comment="Laboratory or person that gave the material"
        ),
        sa.Column("breed", sa.String(), nullable=True, comment="Breed"),
        sa.Column("collected_by", sa.String(), nullable=True, comment="Who collected the sample"),
        sa.Column(
            "collection_date", sa.String(), nullable=True, comment="Collection date as submitted, of any precision"
        ),
        sa.Column("cultivar", sa.String(), nullable=True, comment="Cultivated variety of a plant"),
        sa.Column("dev_stage", sa.String(), nullable=True, comment="Developmental stage at the time of sampling"),
        sa.Column("ecotype", sa.String(), nullable=True, comment="Population adapted to a habitat"),
        sa.Column(
            "geo_loc_name",
            sa.String(),
            nullable=True,
            comment="Place of collection as submitted: country:division, locality",
        ),
        sa.Column("host", sa.String(), nullable=True, comment="Natural host of the organism"),
        sa.Column("host_disease", sa.String(), nullable=True, comment="Disease of the host"),
        sa.Column("identified_by", sa.String(), nullable=True, comment="Who identified the specimen"),
        sa.Column(
            "ifsac_category",
            sa.String(),
            nullable=True,
            comment="Food category of the IFSAC, the U.S. food safety collaboration",
        ),
        sa.Column("isolate", sa.String(), nullable=True, comment="Individual that the sample was obtained from"),
        sa.Column("isolate_name_alias", sa.String(), nullable=True, comment="Other names of the isolate"),
        sa.Column(
            "isolation_source",
            sa.String(),
            nullable=True,
            comment="Specimen or environment that the sample was obtained from",
        ),
        sa.Column("lat_lon", sa.String(), nullable=True, comment="Latitude and longitude of the place of collection"),
        sa.Column("project_name", sa.String(), nullable=True, comment="Name of the project"),
        sa.Column("sample_name", sa.String(), nullable=True, comment="Name of the sample in the source database"),
        sa.Column("serotype", sa.String(), nullable=True, comment="Taxonomic name below subspecies, as serovar"),
        sa.Column("serovar", sa.String(), nullable=True, comment="Taxonomic name below subspecies, as serotype"),
        sa.Column("sex", sa.String(), nullable=True, comment="Sex of the organism sampled"),
        sa.Column(
            "source_type", sa.String(), nullable=True, comment="Kind of isolation source, from a controlled vocabulary"
        ),
        sa.Column("strain", sa.String(), nullable=True, comment="Strain"),
        sa.Column("sub_species", sa.String(), nullable=True, comment="Subspecies"),
        sa.Column("tissue", sa.String(), nullable=True, comment="Tissue that the sample was taken from"),
        sa.Column(
            "biosample_hash",
            UBigInteger(),
            nullable=False,
            comment="Hash of all that the report says of it",
        ),
        sa.Column(
            "valid_from",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="Commit time of the run that loaded this state",
        ),
        sa.Column("run_id", sa.String(), nullable=False, comment="Run that loaded this state; joins ops.ingest_run"),
        comment="A BioSample that a genome, present or past, names; its past states are not kept",
    )
    op.create_table(
        "biosample_attribute",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("accession", sa.String(), nullable=False, comment="BioSample accession; joins biosample"),
        sa.Column(
            "attribute_number", sa.BigInteger(), nullable=False, comment="Place among the sample's attributes, from 1"
        ),
        sa.Column(
            "name", sa.String(), nullable=True, comment="Name of the attribute; a sample may have it more than once"
        ),
        sa.Column("value", sa.String(), nullable=True, comment="Value as submitted"),
        sa.Column(
            "value_clean",
            sa.String(),
            nullable=True,
            comment="Value; NULL where the text says that there is none, such as 'missing'",
        ),
        comment="An attribute of a BioSample",
    )
    for table, column, _, comment in COLUMN_COMMENTS:
        op.alter_column(table, column, comment=comment, schema="ops")
    op.create_table_comment("schema_drift", TABLE_COMMENT[1], schema="ops")


def downgrade() -> None:
    op.create_table_comment("schema_drift", TABLE_COMMENT[0], schema="ops")
    for table, column, comment, _ in COLUMN_COMMENTS:
        op.alter_column(table, column, comment=comment, schema="ops")
    op.drop_table("biosample_attribute")
    op.drop_table("biosample")
    op.drop_table("virus_protein")
    op.drop_table("virus_gene")
    op.drop_table("virus_annotation")
