"""Create the warehouse.

The first revision that a released version has: it takes the place of nine that came before the first release, and has
the number of the last of them. Nothing in it is read from `warehouse/schema.py`, which describes the newest revision
and changes with it, while this one stays.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from duckdb_sqlalchemy.datatypes import Struct, UBigInteger
from sqlalchemy.types import TypeEngine

revision = "0009"
down_revision = None
branch_labels = None
depends_on = None


def _struct(**members: TypeEngine[Any]) -> Struct:
    return Struct(members)


MOMENT = sa.TIMESTAMP(timezone=True)
TEXTS = sa.ARRAY(sa.String())
RANGE = _struct(
    begin=sa.BigInteger(),
    end=sa.BigInteger(),
    orientation=sa.String(),
    order=sa.BigInteger(),
    ribosomal_slippage=sa.BigInteger(),
)
RANGES = sa.ARRAY(RANGE)
SECONDS = _struct(download=sa.Double(), verify=sa.Double(), archive=sa.Double(), stage=sa.Double(), merge=sa.Double())
VERSIONS = _struct(virus_warehouse=sa.String(), duckdb=sa.String(), python=sa.String(), airflow=sa.String())

NAME_IN_RECORD = "Name of the {0} as the record says it, often a former one: taxon_name({0}_tax_id) is the current one"


def upgrade() -> None:
    op.create_table(
        "virus_genome",
        *_virus_genome_columns(),
        comment="A nucleotide record that NCBI shows now, one row per source and accession",
    )
    op.create_table(
        "virus_genome_history",
        *_virus_genome_columns(),
        sa.Column(
            "valid_to", MOMENT, nullable=False, comment="Commit time of the run that ended this state, exclusive"
        ),
        sa.Column("ended_by", sa.String(), nullable=False, comment="revision, withdrawal or filter"),
        sa.Column("ended_run_id", sa.String(), nullable=False, comment="Run that ended this state"),
        comment="A state of a record that ended, valid in [valid_from, valid_to)",
    )
    op.create_table(
        "taxon",
        sa.Column("tax_id", sa.BigInteger(), nullable=False, comment="NCBI Taxonomy ID"),
        sa.Column("name", sa.String(), comment="Current scientific name, or what a record says if no lineage names it"),
        comment="A taxon that a record names, or an ancestor of one",
    )
    op.create_table(
        "taxon_lineage",
        sa.Column("descendant_tax_id", sa.BigInteger(), nullable=False, comment="The taxon"),
        sa.Column("ancestor_tax_id", sa.BigInteger(), nullable=False, comment="The taxon itself or one above it"),
        sa.Column(
            "depth", sa.Integer(), nullable=False, comment="Steps from the taxon up to the ancestor; itself at 0"
        ),
        comment="A pair of a taxon and one of its ancestors: everything under a taxon in one join",
    )
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
        sa.Column("isolate_name", sa.String(), comment="Isolate, as the annotation report gives it"),
        sa.Column(
            "annotation_hash", UBigInteger(), nullable=False, comment="Hash of all that the report says of the genome"
        ),
        sa.Column("valid_from", MOMENT, nullable=False, comment="Commit time of the run that loaded this annotation"),
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
        sa.Column("name", sa.String(), comment="Gene symbol"),
        sa.Column("gene_id", sa.BigInteger(), comment="NCBI Gene ID (RefSeq genomes only)"),
        sa.Column(
            "nucleotide_accession_version", sa.String(), comment="accession.version of the nucleotide record it lies on"
        ),
        sa.Column("nucleotide_ranges", RANGES, comment="Where it lies on the genome: from 1, both ends included"),
        sa.Column(
            "nucleotide_sequence_hash", sa.String(), comment="NCBI's hash of its nucleotide sequence: hexadecimal text"
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
            "parent_protein_number", sa.BigInteger(), comment="Of a mature peptide, the coding region it is cut from"
        ),
        sa.Column("kind", sa.String(), nullable=False, comment="coding_region or mature_peptide"),
        sa.Column("name", sa.String(), comment="Name of the protein"),
        sa.Column("other_names", TEXTS, comment="Synonyms"),
        sa.Column("accession_version", sa.String(), comment="accession.version of the product itself; rarely stated"),
        sa.Column(
            "nucleotide_accession_version", sa.String(), comment="accession.version of the nucleotide record it lies on"
        ),
        sa.Column(
            "nucleotide_ranges", RANGES, comment="Where it lies on the genome; several where it is joined or slips"
        ),
        sa.Column(
            "nucleotide_sequence_hash", sa.String(), comment="NCBI's hash of its nucleotide sequence: hexadecimal text"
        ),
        sa.Column(
            "protein_accession_version",
            sa.String(),
            comment="accession.version of the protein record that has its residues",
        ),
        sa.Column("protein_ranges", RANGES, comment="Where it lies on that protein: from 1, both ends included"),
        sa.Column(
            "protein_sequence_hash", sa.String(), comment="NCBI's hash of its residues: equal hashes, equal proteins"
        ),
        sa.Column("completeness", sa.String(), nullable=False, comment="COMPLETE, PARTIAL or UNKNOWN"),
        sa.Column("uniprot_id", sa.String(), comment="UniProtKB accession"),
        sa.Column("uniprot_name", sa.String(), comment="UniProtKB entry name"),
        sa.Column("pdb_ids", TEXTS, comment="Structures in the Protein Data Bank"),
        sa.Column(
            "conserved_domains",
            sa.ARRAY(_struct(accession=sa.String(), name=sa.String(), range=RANGE)),
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
        sa.Column("title", sa.String(), comment="Title of the sample"),
        sa.Column("comment", sa.String(), comment="What the owner says of it besides"),
        sa.Column("tax_id", sa.BigInteger(), comment="NCBI Taxonomy ID of the organism sampled"),
        sa.Column("organism_name", sa.String(), comment="Scientific name of the organism sampled"),
        sa.Column("owner_name", sa.String(), comment="Institution that submitted it"),
        sa.Column("owner_labs", TEXTS, comment="Laboratories that submitted it"),
        sa.Column(
            "package",
            sa.String(),
            comment="BioSample package: which attributes were asked for, such as Pathogen.cl.1.0",
        ),
        sa.Column("models", TEXTS, comment="BioSample models, the families of packages"),
        sa.Column("bioprojects", TEXTS, comment="BioProject accessions"),
        sa.Column(
            "bioproject_descriptions",
            sa.ARRAY(
                _struct(accession=sa.String(), title=sa.String(), parent_accession=sa.String(), parent_accessions=TEXTS)
            ),
            comment="The BioProjects with their titles and the projects they belong to",
        ),
        sa.Column(
            "sample_ids",
            sa.ARRAY(_struct(db=sa.String(), label=sa.String(), value=sa.String())),
            comment="Its ids elsewhere: database or label, and value",
        ),
        sa.Column("status", sa.String(), comment="live, suppressed or another of BioSample's"),
        sa.Column("status_when", sa.TIMESTAMP(), comment="Since when it has that status; BioSample gives no time zone"),
        sa.Column("submission_date", sa.TIMESTAMP(), comment="When it was submitted; BioSample gives no time zone"),
        sa.Column("publication_date", sa.TIMESTAMP(), comment="When it was published; BioSample gives no time zone"),
        sa.Column("last_updated", sa.TIMESTAMP(), comment="When it was last updated; BioSample gives no time zone"),
        *_attributes_as_columns(),
        sa.Column("biosample_hash", UBigInteger(), nullable=False, comment="Hash of all that the report says of it"),
        sa.Column("valid_from", MOMENT, nullable=False, comment="Commit time of the run that loaded this state"),
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
        sa.Column("name", sa.String(), comment="Name of the attribute; a sample may have it more than once"),
        sa.Column("value", sa.String(), comment="Value as submitted"),
        sa.Column(
            "value_clean", sa.String(), comment="Value; NULL where the text says that there is none, such as 'missing'"
        ),
        comment="An attribute of a BioSample",
    )
    op.create_table(
        "ingest_run",
        sa.Column("run_id", sa.String(), nullable=False, comment="One try of one DAG run"),
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("mode", sa.String(), nullable=False, comment="incremental, window, full or replay"),
        sa.Column("fingerprint", sa.String(), nullable=False, comment="Hash of the filters and reports asked for"),
        sa.Column("dag_id", sa.String(), comment="Airflow DAG; NULL for a run outside Airflow"),
        sa.Column("dag_run_id", sa.String(), comment="Airflow DAG run"),
        sa.Column("run_type", sa.String(), comment="Airflow's run type at the time of loading"),
        sa.Column("try_number", sa.Integer(), comment="Airflow's try number of the task"),
        sa.Column("status", sa.String(), nullable=False, comment="running, success or failed"),
        sa.Column("error", sa.String(), comment="What went wrong and the way out, of a failed run"),
        sa.Column("started_at", MOMENT, nullable=False, comment="When the run opened its row"),
        sa.Column("ended_at", MOMENT, comment="When the run committed or failed"),
        sa.Column("updated_since", sa.Date(), comment="First update date asked for; NULL in a full run"),
        sa.Column("until", sa.Date(), comment="Update date before which rows are merged, exclusive; NULL: no bound"),
        sa.Column("requested_at", MOMENT, comment="When the request that brought the package was sent"),
        sa.Column("request_url", sa.String(), comment="The request, without the API key"),
        sa.Column("attempts", sa.Integer(), comment="Requests sent; 0 when an archived package was used"),
        sa.Column("http_status", sa.Integer(), comment="HTTP status of the last answer"),
        sa.Column("ncbi_phid", sa.String(), comment="NCBI's id of the request: quote it when asking NCBI for help"),
        sa.Column("datasets_version", sa.String(), comment="Version of NCBI Datasets that answered"),
        sa.Column("package_bytes", sa.BigInteger(), comment="Size of the zip in bytes"),
        sa.Column("package_sha256", sa.String(), comment="SHA-256 of the zip"),
        sa.Column("package_path", sa.String(), comment="Archived package, relative to VIRUS_DATA"),
        sa.Column(
            "lines",
            sa.BigInteger(),
            comment="Non-blank lines of the data report, from its bytes; other reports: ops.ingest_report",
        ),
        *_outcomes(),
        sa.Column("withdrawn", sa.BigInteger(), comment="Records that this run moved to the history as gone"),
        sa.Column("missing", sa.BigInteger(), comment="Records a census did not list and still holds; NULL: no census"),
        sa.Column("watermark_before", sa.Date(), comment="Watermark of source and fingerprint before the run"),
        sa.Column("watermark", sa.Date(), comment="Watermark after the run: the largest update_date NCBI has shown"),
        sa.Column("seconds", SECONDS, comment="Wall seconds by stage"),
        sa.Column("peak_rss_mib", sa.Double(), comment="Peak resident memory of the process in MiB, up to the commit"),
        sa.Column("versions", VERSIONS, comment="What loaded it"),
        schema="ops",
        comment="The run ledger: a row for every run, failed ones too",
    )
    op.create_table(
        "ingest_report",
        sa.Column("run_id", sa.String(), nullable=False, comment="Run; joins ops.ingest_run"),
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("report", sa.String(), nullable=False, comment="data_report, annotation_report or biosample_report"),
        sa.Column("lines", sa.BigInteger(), comment="Non-blank lines, counted from the bytes"),
        *_outcomes(),
        schema="ops",
        comment="What became of the lines of each report file of a run",
    )
    op.create_table(
        "quarantine",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("report", sa.String(), nullable=False, comment="Report file the line came in"),
        sa.Column("line_number", sa.BigInteger(), nullable=False, comment="Line of the file, from 1, in the first run"),
        sa.Column("reason", sa.String(), nullable=False, comment="Why the line was refused"),
        sa.Column("raw", sa.String(), nullable=False, comment="The line as received; bytes that are no text as \\xNN"),
        sa.Column("raw_sha256", sa.String(), nullable=False, comment="SHA-256 of the line's bytes"),
        sa.Column("first_run_id", sa.String(), nullable=False, comment="First run that met the line"),
        sa.Column("last_run_id", sa.String(), nullable=False, comment="Last run that met the line"),
        sa.Column("replayed_at", MOMENT, comment="When a replay loaded the line after all"),
        sa.Column(
            "resolved_at",
            MOMENT,
            comment="When its record came in another line, or a full package did without the line",
        ),
        sa.Column(
            "acknowledged_at", MOMENT, comment="When a person said that they know of it: it raises no alarm since"
        ),
        schema="ops",
        comment="A report line that could not be read, kept to be looked at and replayed",
    )
    op.create_table(
        "schema_drift",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("report", sa.String(), nullable=False, comment="Report file the name came in"),
        sa.Column(
            "path",
            sa.String(),
            nullable=False,
            comment="JSON path of a member that this version does not know; $: the report is absent",
        ),
        sa.Column("first_run_id", sa.String(), nullable=False, comment="First run that met it"),
        sa.Column("occurrences", sa.BigInteger(), nullable=False, comment="Times it was met, in all runs together"),
        sa.Column("sample", sa.String(), comment="A value of it, as JSON, cut at 200 characters"),
        sa.Column("last_run_id", sa.String(), comment="Last run that met it"),
        sa.Column(
            "resolved_at", MOMENT, comment="When a full package came that has it no longer, or the missing report"
        ),
        sa.Column(
            "acknowledged_at", MOMENT, comment="When a person said that they know of it: it raises no alarm since"
        ),
        schema="ops",
        comment="What NCBI's reports hold beyond what this version reads, or lack altogether; it stops no load",
    )
    op.create_table(
        "source_status",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("status", sa.String(), nullable=False, comment="followed, never loaded, broken or not followed"),
        sa.Column("detail", sa.String(), comment="What the status means, where it is not plain"),
        sa.Column("taxon", sa.String(), comment="Taxon asked for"),
        sa.Column("records", sa.BigInteger(), nullable=False, comment="Rows in virus_genome"),
        sa.Column("watermark", sa.Date(), comment="Largest update_date that NCBI has shown"),
        sa.Column("last_success_at", MOMENT, comment="When its last run committed"),
        sa.Column("last_run_id", sa.String(), comment="Its last run, committed or not; joins ops.ingest_run"),
        sa.Column("last_run_status", sa.String(), comment="running, success or failed"),
        sa.Column("last_run_error", sa.String(), comment="What went wrong in its last run"),
        sa.Column(
            "held_back_since", MOMENT, comment="Since when the checks keep its news back; NULL: all of it is here"
        ),
        sa.Column(
            "held_back_reason", sa.String(), comment="What the checks found in what is held back, and the ways out"
        ),
        schema="ops",
        comment="A source when a snapshot was made: whether it is followed, and what is held; empty in the warehouse",
    )
    op.create_table(
        "acceptance",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("run_id", sa.String(), nullable=False, comment="The load; joins ops.ingest_run"),
        sa.Column("accepted", sa.String(), nullable=False, comment="missing (records) or emptied (fields)"),
        schema="ops",
        comment="What a person accepted of a load that would otherwise have stopped it",
    )
    op.create_table(
        "census_missing",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("accession", sa.String(), nullable=False, comment="INSDC or RefSeq accession, without version"),
        sa.Column("run_id", sa.String(), nullable=False, comment="The census; joins ops.ingest_run"),
        sa.Column("requested_at", MOMENT, nullable=False, comment="When its package was requested"),
        sa.Column(
            "is_accepted", sa.Boolean(), nullable=False, comment="Whether a person accepted that so many were missing"
        ),
        schema="ops",
        comment="A record that a census did not list: who vanished, and when",
    )
    op.create_table_comment("alembic_version", "The schema that the file has", schema="ops")
    op.alter_column("alembic_version", "version_num", comment="Revision of the schema, of Alembic", schema="ops")


def _virus_genome_columns() -> Iterator[sa.Column[Any]]:
    """The columns of a record, current or past."""
    yield sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml")
    yield sa.Column("accession", sa.String(), nullable=False, comment="INSDC or RefSeq accession, without version")
    yield sa.Column("version", sa.Integer(), nullable=False, comment="Sequence version of the accession")
    yield sa.Column("accession_version", sa.String(), nullable=False, comment="accession.version, as NCBI gives it")
    yield sa.Column(
        "virus_tax_id", sa.BigInteger(), comment="NCBI Taxonomy ID of the virus; joins taxon, taxon_lineage"
    )
    yield sa.Column("virus_name", sa.String(), comment=NAME_IN_RECORD.format("virus"))
    yield sa.Column("virus_common_name", sa.String(), comment="Common name of the virus")
    yield sa.Column("virus_strain", sa.String(), comment="Strain, where NCBI Taxonomy knows one")
    yield sa.Column("virus_infraspecific_names", sa.JSON(), comment="Breed, cultivar, ecotype, isolate, sex, strain")
    yield sa.Column("pango_lineage", sa.String(), comment="Pango lineage that NCBI assigned (SARS-CoV-2 only)")
    yield sa.Column("host_tax_id", sa.BigInteger(), comment="NCBI Taxonomy ID of the host; NULL when not stated")
    yield sa.Column("host_name", sa.String(), comment=NAME_IN_RECORD.format("host"))
    yield sa.Column("host_common_name", sa.String(), comment="Common name of the host")
    yield sa.Column("host_infraspecific_names", sa.JSON(), comment="Breed, cultivar, ecotype, isolate, sex, strain")
    yield sa.Column("isolate_name", sa.String(), comment="Isolate the sequence was obtained from")
    yield sa.Column("isolate_source", sa.String(), comment="Specimen or environment the isolate came from")
    yield sa.Column("collection_date", sa.String(), comment="Collection date as submitted, of any precision")
    yield sa.Column("collection_date_min", sa.Date(), comment="First day that the collection date allows")
    yield sa.Column("collection_date_max", sa.Date(), comment="Last day that the collection date allows")
    yield sa.Column("collection_date_precision", sa.String(), comment="day, month, year or range; NULL if unreadable")
    yield sa.Column("geo_location", sa.String(), comment="Place of collection as submitted: country:division, locality")
    yield sa.Column(
        "country", sa.String(), comment="Country or sea by INSDC's present name, from geo_location; NULL: none"
    )
    yield sa.Column("country_code", sa.String(), comment="ISO 3166-1 alpha-2 code of country; NULL where there is none")
    yield sa.Column(
        "division", sa.String(), comment="geo_location after its first colon, up to the next colon or comma"
    )
    yield sa.Column("geo_region", sa.String(), comment="Continent, as NCBI assigns it")
    yield sa.Column("usa_state", sa.String(), comment="Two-letter U.S. state, as NCBI assigns it")
    yield sa.Column("release_date", sa.Date(), comment="Day of first release, in UTC")
    yield sa.Column("update_date", sa.Date(), comment="Day of the last update in NCBI Virus, in UTC; NULL: not known")
    yield sa.Column("completeness", sa.String(), comment="COMPLETE, PARTIAL or UNKNOWN, as the submitter declared")
    yield sa.Column("length", sa.BigInteger(), comment="Length of the sequence in nucleotides")
    yield sa.Column("gene_count", sa.BigInteger(), comment="Annotated genes; NULL when NCBI reports none")
    yield sa.Column("protein_count", sa.BigInteger(), comment="Annotated proteins; NULL when NCBI reports none")
    yield sa.Column("mature_peptide_count", sa.BigInteger(), comment="Annotated mature peptides; NULL when none")
    yield sa.Column("is_annotated", sa.Boolean(), comment="Whether the sequence carries annotation")
    yield sa.Column("source_database", sa.String(), comment="GenBank or RefSeq")
    yield sa.Column("mol_type", sa.String(), comment="Molecule type (deprecated by NCBI, rarely filled)")
    yield sa.Column("segment", sa.String(), comment="Segment name; NCBI writes ANONYMOUS for some unsegmented genomes")
    yield sa.Column("biosample", sa.String(), comment="BioSample accession")
    yield sa.Column("bioprojects", TEXTS, comment="BioProject accessions")
    yield sa.Column("sra_accessions", TEXTS, comment="SRA accessions of the reads (runs or, at times, samples)")
    yield sa.Column("purpose_of_sampling", sa.String(), comment="Such as PURPOSE_OF_SAMPLING_BASELINE_SURVEILLANCE")
    yield sa.Column("submitter_names", TEXTS, comment="Submitting authors, as 'Wu,F.'")
    yield sa.Column("submitter_affiliation", sa.String(), comment="Institution of the submitters")
    yield sa.Column("submitter_country", sa.String(), comment="Country of the institution")
    yield sa.Column("lab_host", sa.String(), comment="Organism or cell line the virus was passaged in")
    yield sa.Column("is_lab_host", sa.Boolean(), comment="Whether the host is a laboratory host")
    yield sa.Column("is_vaccine_strain", sa.Boolean(), comment="Whether the virus is a vaccine strain")
    yield sa.Column(
        "sequence_hash", sa.String(), comment="NCBI's hash of the sequence: hexadecimal text, zeros dropped"
    )
    yield sa.Column("record_hash", UBigInteger(), comment="Hash of all report fields but update_date")
    yield sa.Column("status", sa.String(), nullable=False, comment="live, or missing since a census did not list it")
    yield sa.Column("missing_since", MOMENT, comment="Request time of the first census that did not list it")
    yield sa.Column("valid_from", MOMENT, nullable=False, comment="Commit time of the run that loaded this state")
    yield sa.Column("run_id", sa.String(), nullable=False, comment="Run that loaded this state; joins ops.ingest_run")


def _attributes_as_columns() -> Iterator[sa.Column[Any]]:
    yield sa.Column("age", sa.String(), comment="Age at the time of sampling")
    yield sa.Column("biomaterial_provider", sa.String(), comment="Laboratory or person that gave the material")
    yield sa.Column("breed", sa.String(), comment="Breed")
    yield sa.Column("collected_by", sa.String(), comment="Who collected the sample")
    yield sa.Column("collection_date", sa.String(), comment="Collection date as submitted, of any precision")
    yield sa.Column("cultivar", sa.String(), comment="Cultivated variety of a plant")
    yield sa.Column("dev_stage", sa.String(), comment="Developmental stage at the time of sampling")
    yield sa.Column("ecotype", sa.String(), comment="Population adapted to a habitat")
    yield sa.Column("geo_loc_name", sa.String(), comment="Place of collection as submitted: country:division, locality")
    yield sa.Column("host", sa.String(), comment="Natural host of the organism")
    yield sa.Column("host_disease", sa.String(), comment="Disease of the host")
    yield sa.Column("identified_by", sa.String(), comment="Who identified the specimen")
    yield sa.Column(
        "ifsac_category", sa.String(), comment="Food category of the IFSAC, the U.S. food safety collaboration"
    )
    yield sa.Column("isolate", sa.String(), comment="Individual that the sample was obtained from")
    yield sa.Column("isolate_name_alias", sa.String(), comment="Other names of the isolate")
    yield sa.Column(
        "isolation_source", sa.String(), comment="Specimen or environment that the sample was obtained from"
    )
    yield sa.Column("lat_lon", sa.String(), comment="Latitude and longitude of the place of collection")
    yield sa.Column("project_name", sa.String(), comment="Name of the project")
    yield sa.Column("sample_name", sa.String(), comment="Name of the sample in the source database")
    yield sa.Column("serotype", sa.String(), comment="Taxonomic name below subspecies, as serovar")
    yield sa.Column("serovar", sa.String(), comment="Taxonomic name below subspecies, as serotype")
    yield sa.Column("sex", sa.String(), comment="Sex of the organism sampled")
    yield sa.Column("source_type", sa.String(), comment="Kind of isolation source, from a controlled vocabulary")
    yield sa.Column("strain", sa.String(), comment="Strain")
    yield sa.Column("sub_species", sa.String(), comment="Subspecies")
    yield sa.Column("tissue", sa.String(), comment="Tissue that the sample was taken from")


def _outcomes() -> Iterator[sa.Column[Any]]:
    yield sa.Column("inserted", sa.BigInteger(), comment="Records not held before, or found again after a withdrawal")
    yield sa.Column(
        "revised",
        sa.BigInteger(),
        comment="Records whose fields or version changed; a genome's old state went to the history",
    )
    yield sa.Column("touched", sa.BigInteger(), comment="Records of which only update_date moved")
    yield sa.Column("unchanged", sa.BigInteger(), comment="Records exactly as held; nothing was written")
    yield sa.Column("stale", sa.BigInteger(), comment="Lines older than what is held")
    yield sa.Column(
        "duplicate", sa.BigInteger(), comment="Further lines of a record that the same package holds in a later state"
    )
    yield sa.Column("out_of_window", sa.BigInteger(), comment="Lines of records last updated outside the run's window")
    yield sa.Column(
        "quarantined", sa.BigInteger(), comment="Lines that could not be read or placed; see ops.quarantine"
    )
