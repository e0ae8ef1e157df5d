"""The tables of the warehouse, in SQLAlchemy. Alembic's migrations bring a file to this state; a test compares them.

There is no primary key and no index: an index makes a merge 15 to 30 times slower, and DuckLake has none.
The merge keeps `(source, accession)` unique, and a check proves it before every publication.
"""

from collections.abc import Iterator

from duckdb_sqlalchemy.datatypes import Struct, UBigInteger
from sqlalchemy import (
    ARRAY,
    JSON,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Integer,
    MetaData,
    String,
    Table,
)

OPERATIONS_SCHEMA = "ops"
"""What operations need: the ledger and what was refused. People's tables are in DuckDB's `main`."""

OUTCOMES = (
    "inserted",
    "revised",
    "touched",
    "unchanged",
    "stale",
    "duplicate",
    "out_of_window",
    "quarantined",
)
"""What can become of a report line. Every line has exactly one of these: their counts add up to `lines`."""

TIMED_STAGES = ("download", "verify", "archive", "stage", "merge")
"""The stages whose seconds the ledger keeps. `verify` is the part of `download` spent proving the package."""

VERSIONED_COMPONENTS = ("virus_warehouse", "duckdb", "python", "airflow")

metadata = MetaData()

_MOMENT = TIMESTAMP(timezone=True)
_TEXTS = ARRAY(String)


def _virus_genome_columns() -> Iterator[Column[object]]:
    """The columns of a record, current or past, in the order people read them."""
    yield Column("source", String, nullable=False, comment="Name of the source in sources.yaml")
    yield Column("accession", String, nullable=False, comment="INSDC or RefSeq accession, without version")
    yield Column("version", Integer, nullable=False, comment="Sequence version of the accession")
    yield Column("accession_version", String, nullable=False, comment="accession.version, as NCBI gives it")
    yield Column("virus_tax_id", BigInteger, comment="NCBI Taxonomy ID of the virus; joins taxon, taxon_lineage")
    yield Column("virus_name", String, comment="Scientific name of the virus")
    yield Column("virus_common_name", String, comment="Common name of the virus")
    yield Column("virus_strain", String, comment="Strain, where NCBI Taxonomy knows one")
    yield Column("virus_infraspecific_names", JSON, comment="Breed, cultivar, ecotype, isolate, sex, strain")
    yield Column("pango_lineage", String, comment="Pango lineage that NCBI assigned (SARS-CoV-2 only)")
    yield Column("host_tax_id", BigInteger, comment="NCBI Taxonomy ID of the host; NULL when not stated")
    yield Column("host_name", String, comment="Scientific name of the host")
    yield Column("host_common_name", String, comment="Common name of the host")
    yield Column("host_infraspecific_names", JSON, comment="Breed, cultivar, ecotype, isolate, sex, strain")
    yield Column("isolate_name", String, comment="Isolate the sequence was obtained from")
    yield Column("isolate_source", String, comment="Specimen or environment the isolate came from")
    yield Column("collection_date", String, comment="Collection date as submitted, of any precision")
    yield Column("collection_date_min", Date, comment="First day that the collection date allows")
    yield Column("collection_date_max", Date, comment="Last day that the collection date allows")
    yield Column("collection_date_precision", String, comment="day, month, year or range; NULL if unreadable")
    yield Column("geo_location", String, comment="Place of collection as submitted: country:division, locality")
    yield Column("country", String, comment="Country or sea: geo_location before the colon")
    yield Column("division", String, comment="First part of geo_location after the colon")
    yield Column("geo_region", String, comment="Continent, as NCBI assigns it")
    yield Column("usa_state", String, comment="Two-letter U.S. state, as NCBI assigns it")
    yield Column("release_date", Date, comment="Day of first release, in UTC")
    yield Column("update_date", Date, comment="Day of the last update in NCBI Virus, in UTC")
    yield Column("completeness", String, comment="COMPLETE, PARTIAL or UNKNOWN, as the submitter declared")
    yield Column("length", BigInteger, comment="Length of the sequence in nucleotides")
    yield Column("gene_count", BigInteger, comment="Annotated genes; NULL when NCBI reports none")
    yield Column("protein_count", BigInteger, comment="Annotated proteins; NULL when NCBI reports none")
    yield Column("mature_peptide_count", BigInteger, comment="Annotated mature peptides; NULL when none")
    yield Column("is_annotated", Boolean, comment="Whether the sequence carries annotation")
    yield Column("source_database", String, comment="GenBank or RefSeq")
    yield Column("mol_type", String, comment="Molecule type (deprecated by NCBI, rarely filled)")
    yield Column("segment", String, comment="Segment name; NCBI writes ANONYMOUS for some unsegmented genomes")
    yield Column("biosample", String, comment="BioSample accession")
    yield Column("bioprojects", _TEXTS, comment="BioProject accessions")
    yield Column("sra_accessions", _TEXTS, comment="SRA accessions of the reads (runs or, at times, samples)")
    yield Column("purpose_of_sampling", String, comment="Such as PURPOSE_OF_SAMPLING_BASELINE_SURVEILLANCE")
    yield Column("submitter_names", _TEXTS, comment="Submitting authors, as 'Wu,F.'")
    yield Column("submitter_affiliation", String, comment="Institution of the submitters")
    yield Column("submitter_country", String, comment="Country of the institution")
    yield Column("lab_host", String, comment="Organism or cell line the virus was passaged in")
    yield Column("is_lab_host", Boolean, comment="Whether the host is a laboratory host")
    yield Column("is_vaccine_strain", Boolean, comment="Whether the virus is a vaccine strain")
    yield Column("sequence_hash", String, comment="NCBI's hash of the sequence: hexadecimal text, zeros dropped")
    yield Column("record_hash", UBigInteger, comment="Hash of all report fields but update_date")
    yield Column("status", String, nullable=False, comment="live, or missing since a census did not list it")
    yield Column("missing_since", _MOMENT, comment="Request time of the first census that did not list it")
    yield Column("valid_from", _MOMENT, nullable=False, comment="Commit time of the run that loaded this state")
    yield Column("run_id", String, nullable=False, comment="Run that loaded this state; joins ops.ingest_run")


virus_genome = Table(
    "virus_genome",
    metadata,
    *_virus_genome_columns(),
    comment="A nucleotide record that NCBI shows now, one row per source and accession",
)

virus_genome_history = Table(
    "virus_genome_history",
    metadata,
    *_virus_genome_columns(),
    Column("valid_to", _MOMENT, nullable=False, comment="Commit time of the run that ended this state, exclusive"),
    Column("ended_by", String, nullable=False, comment="revision, withdrawal or filter"),
    Column("ended_run_id", String, nullable=False, comment="Run that ended this state"),
    comment="A state of a record that ended, valid in [valid_from, valid_to)",
)

taxon = Table(
    "taxon",
    metadata,
    Column("tax_id", BigInteger, nullable=False, comment="NCBI Taxonomy ID"),
    Column("name", String, comment="Scientific name"),
    comment="A taxon that a record names, or an ancestor of one",
)

taxon_lineage = Table(
    "taxon_lineage",
    metadata,
    Column("descendant_tax_id", BigInteger, nullable=False, comment="The taxon"),
    Column("ancestor_tax_id", BigInteger, nullable=False, comment="The taxon itself or one above it"),
    Column("depth", Integer, nullable=False, comment="Steps from the taxon up to the ancestor; itself at 0"),
    comment="A pair of a taxon and one of its ancestors: everything under a taxon in one join",
)


def _line_count_columns() -> Iterator[Column[object]]:
    yield Column("lines", BigInteger, comment="Non-blank lines, counted from the bytes")
    meanings = {
        "inserted": "Records not held before, or found again after a withdrawal",
        "revised": "Records whose fields or version changed; the old state went to the history",
        "touched": "Records of which only update_date moved",
        "unchanged": "Records exactly as held; nothing was written",
        "stale": "Lines older than what is held",
        "duplicate": "Further lines of a record that the same package holds in a later state",
        "out_of_window": "Lines whose update_date lies outside the run's window",
        "quarantined": "Lines that could not be read; see ops.quarantine",
    }
    for outcome in OUTCOMES:
        yield Column(outcome, BigInteger, comment=meanings[outcome])


ingest_run = Table(
    "ingest_run",
    metadata,
    Column("run_id", String, nullable=False, comment="One try of one DAG run"),
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("mode", String, nullable=False, comment="incremental, window or full"),
    Column("fingerprint", String, nullable=False, comment="Hash of the filters and reports asked for"),
    Column("dag_id", String, comment="Airflow DAG; NULL for a run outside Airflow"),
    Column("dag_run_id", String, comment="Airflow DAG run"),
    Column("run_type", String, comment="Airflow's run type at the time of loading"),
    Column("try_number", Integer, comment="Airflow's try number of the task"),
    Column("status", String, nullable=False, comment="running, success or failed"),
    Column("error", String, comment="What went wrong and the way out, of a failed run"),
    Column("started_at", _MOMENT, nullable=False, comment="When the run opened its row"),
    Column("ended_at", _MOMENT, comment="When the run committed or failed"),
    Column("updated_since", Date, comment="First update date asked for; NULL in a full run"),
    Column("until", Date, comment="Update date before which rows are merged, exclusive; NULL: no bound"),
    Column("requested_at", _MOMENT, comment="When the request that brought the package was sent"),
    Column("request_url", String, comment="The request, without the API key"),
    Column("attempts", Integer, comment="Requests sent; 0 when an archived package was used"),
    Column("http_status", Integer, comment="HTTP status of the last answer"),
    Column("ncbi_phid", String, comment="NCBI's id of the request: quote it when asking NCBI for help"),
    Column("datasets_version", String, comment="Version of NCBI Datasets that answered"),
    Column("package_bytes", BigInteger, comment="Size of the zip in bytes"),
    Column("package_sha256", String, comment="SHA-256 of the zip"),
    Column("package_path", String, comment="Archived package, relative to VIRUS_DATA"),
    *_line_count_columns(),
    Column("withdrawn", BigInteger, comment="Records that this run moved to the history as gone"),
    Column("missing", BigInteger, comment="Records a census did not list and still holds; NULL: no census"),
    Column("watermark_before", Date, comment="Watermark of source and fingerprint before the run"),
    Column("watermark", Date, comment="Watermark after the run: the largest update_date NCBI has shown"),
    Column("seconds", Struct(dict.fromkeys(TIMED_STAGES, Double)), comment="Wall seconds by stage"),
    Column("peak_rss_mib", Double, comment="Peak resident memory of the process in MiB, up to the commit"),
    Column("versions", Struct(dict.fromkeys(VERSIONED_COMPONENTS, String)), comment="What loaded it"),
    schema=OPERATIONS_SCHEMA,
    comment="The run ledger: a row for every run, failed ones too",
)

ingest_report = Table(
    "ingest_report",
    metadata,
    Column("run_id", String, nullable=False, comment="Run; joins ops.ingest_run"),
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("report", String, nullable=False, comment="data_report, annotation_report or biosample_report"),
    *_line_count_columns(),
    schema=OPERATIONS_SCHEMA,
    comment="What became of the lines of each report file of a run",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("report", String, nullable=False, comment="Report file the line came in"),
    Column("line_number", BigInteger, nullable=False, comment="Line of the file, from 1, in the first run"),
    Column("reason", String, nullable=False, comment="Why the line was refused"),
    Column("raw", String, nullable=False, comment="The line as received; bytes that are no text as \\xNN"),
    Column("raw_sha256", String, nullable=False, comment="SHA-256 of the line's bytes"),
    Column("first_run_id", String, nullable=False, comment="First run that met the line"),
    Column("last_run_id", String, nullable=False, comment="Last run that met the line"),
    Column("replayed_at", _MOMENT, comment="When the line was loaded after all"),
    schema=OPERATIONS_SCHEMA,
    comment="A report line that could not be read, kept to be looked at and replayed",
)

schema_drift = Table(
    "schema_drift",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("report", String, nullable=False, comment="Report file the name came in"),
    Column("path", String, nullable=False, comment="JSON path of a member that this version does not know"),
    Column("first_run_id", String, nullable=False, comment="First run that met it"),
    Column("occurrences", BigInteger, nullable=False, comment="Times it was met, in all runs together"),
    Column("sample", String, comment="A value of it, as JSON, cut at 200 characters"),
    schema=OPERATIONS_SCHEMA,
    comment="What NCBI's reports hold beyond what this version reads; it stops no load",
)

census_missing = Table(
    "census_missing",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="INSDC or RefSeq accession, without version"),
    Column("run_id", String, nullable=False, comment="The census; joins ops.ingest_run"),
    Column("requested_at", _MOMENT, nullable=False, comment="When its package was requested"),
    Column("is_accepted", Boolean, nullable=False, comment="Whether a person accepted that so many were missing"),
    schema=OPERATIONS_SCHEMA,
    comment="A record that a census did not list: who vanished, and when",
)
