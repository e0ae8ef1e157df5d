"""The tables of the warehouse, in SQLAlchemy. Migrations bring a file to this state; a test compares the two.

There is no primary key and no index: an index makes a merge 15 to 30 times slower, and DuckLake has none.
The merge keeps `(source, accession)` unique, which a gate checks before every publication.
"""

from collections.abc import Iterator
from typing import Any

from duckdb_sqlalchemy.datatypes import Struct, UBigInteger
from sqlalchemy import (
    ARRAY,
    JSON,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

from virus_warehouse.warehouse.run_record import OUTCOMES, columns_of_runs

OPERATIONS_SCHEMA = "ops"
"""For operations: the ledger and what could not be read. Tables to query are in DuckDB's `main`."""

metadata = MetaData()

_MOMENT = TIMESTAMP(timezone=True)
_TEXTS = ARRAY(String)
_AS_THE_RECORD_SAYS = (
    "Name of the {0} as the record says it, often a former one: taxon_name({0}_tax_id) is the current one"
)


def _virus_genome_columns() -> Iterator[Column[object]]:
    """The columns of a record, current or past, in reading order."""
    yield Column("source", String, nullable=False, comment="Name of the source in sources.yaml")
    yield Column("accession", String, nullable=False, comment="INSDC or RefSeq accession, without version")
    yield Column("version", Integer, nullable=False, comment="Sequence version of the accession")
    yield Column("accession_version", String, nullable=False, comment="accession.version, as NCBI gives it")
    yield Column("virus_tax_id", BigInteger, comment="NCBI Taxonomy ID of the virus; joins taxon, taxon_lineage")
    yield Column("virus_name", String, comment=_AS_THE_RECORD_SAYS.format("virus"))
    yield Column("virus_common_name", String, comment="Common name of the virus")
    yield Column("virus_strain", String, comment="Strain, where NCBI Taxonomy knows one")
    yield Column("virus_infraspecific_names", JSON, comment="Breed, cultivar, ecotype, isolate, sex, strain")
    yield Column("pango_lineage", String, comment="Pango lineage that NCBI assigned (SARS-CoV-2 only)")
    yield Column("host_tax_id", BigInteger, comment="NCBI Taxonomy ID of the host; NULL when not stated")
    yield Column("host_name", String, comment=_AS_THE_RECORD_SAYS.format("host"))
    yield Column("host_common_name", String, comment="Common name of the host")
    yield Column("host_infraspecific_names", JSON, comment="Breed, cultivar, ecotype, isolate, sex, strain")
    yield Column("isolate_name", String, comment="Isolate the sequence was obtained from")
    yield Column("isolate_source", String, comment="Specimen or environment the isolate came from")
    yield Column("collection_date", String, comment="Collection date as submitted, of any precision")
    yield Column("collection_date_min", Date, comment="First day that the collection date allows")
    yield Column("collection_date_max", Date, comment="Last day that the collection date allows")
    yield Column("collection_date_precision", String, comment="day, month, year or range; NULL if unreadable")
    yield Column("geo_location", String, comment="Place of collection as submitted: country:division, locality")
    yield Column("country", String, comment="Country or sea by INSDC's present name, from geo_location; NULL: none")
    yield Column("country_code", String, comment="ISO 3166-1 alpha-2 code of country; NULL where there is none")
    yield Column("division", String, comment="geo_location after its first colon, up to the next colon or comma")
    yield Column("geo_region", String, comment="Continent, as NCBI assigns it")
    yield Column("usa_state", String, comment="Two-letter U.S. state, as NCBI assigns it")
    yield Column("release_date", Date, comment="Day of first release, in UTC")
    yield Column("update_date", Date, comment="Day of the last update in NCBI Virus, in UTC; NULL: not known")
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
    Column("name", String, comment="Current scientific name, or what a record says if no lineage names it"),
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


def _attributes_as_columns() -> Iterator[Column[object]]:
    """Attributes that BioSample repeats as fields, as submitted, including 'missing' and the like."""
    yield Column("age", String, comment="Age at the time of sampling")
    yield Column("biomaterial_provider", String, comment="Laboratory or person that gave the material")
    yield Column("breed", String, comment="Breed")
    yield Column("collected_by", String, comment="Who collected the sample")
    yield Column("collection_date", String, comment="Collection date as submitted, of any precision")
    yield Column("cultivar", String, comment="Cultivated variety of a plant")
    yield Column("dev_stage", String, comment="Developmental stage at the time of sampling")
    yield Column("ecotype", String, comment="Population adapted to a habitat")
    yield Column("geo_loc_name", String, comment="Place of collection as submitted: country:division, locality")
    yield Column("host", String, comment="Natural host of the organism")
    yield Column("host_disease", String, comment="Disease of the host")
    yield Column("identified_by", String, comment="Who identified the specimen")
    yield Column("ifsac_category", String, comment="Food category of the IFSAC, the U.S. food safety collaboration")
    yield Column("isolate", String, comment="Individual that the sample was obtained from")
    yield Column("isolate_name_alias", String, comment="Other names of the isolate")
    yield Column("isolation_source", String, comment="Specimen or environment that the sample was obtained from")
    yield Column("lat_lon", String, comment="Latitude and longitude of the place of collection")
    yield Column("project_name", String, comment="Name of the project")
    yield Column("sample_name", String, comment="Name of the sample in the source database")
    yield Column("serotype", String, comment="Taxonomic name below subspecies, as serovar")
    yield Column("serovar", String, comment="Taxonomic name below subspecies, as serotype")
    yield Column("sex", String, comment="Sex of the organism sampled")
    yield Column("source_type", String, comment="Kind of isolation source, from a controlled vocabulary")
    yield Column("strain", String, comment="Strain")
    yield Column("sub_species", String, comment="Subspecies")
    yield Column("tissue", String, comment="Tissue that the sample was taken from")


def _struct(**members: TypeEngine[Any]) -> Struct:
    return Struct(members)


_RANGE = _struct(
    begin=BigInteger(),
    end=BigInteger(),
    orientation=String(),
    order=BigInteger(),
    ribosomal_slippage=BigInteger(),
)
_RANGES = ARRAY(_RANGE)

virus_annotation = Table(
    "virus_annotation",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="Accession of the genome, without version; joins virus_genome"),
    Column("accession_version", String, nullable=False, comment="accession.version of the genome, always the held one"),
    Column("isolate_name", String, comment="Isolate, as the annotation report gives it"),
    Column("annotation_hash", UBigInteger, nullable=False, comment="Hash of all that the report says of the genome"),
    Column("valid_from", _MOMENT, nullable=False, comment="Commit time of the run that loaded this annotation"),
    Column("run_id", String, nullable=False, comment="Run that loaded this annotation; joins ops.ingest_run"),
    comment="The annotation of a genome that is held now; its past ones are not kept",
)

virus_gene = Table(
    "virus_gene",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="Accession of the genome, without version; joins virus_genome"),
    Column("gene_number", BigInteger, nullable=False, comment="Place of the gene in the genome's annotation, from 1"),
    Column("name", String, comment="Gene symbol"),
    Column("gene_id", BigInteger, comment="NCBI Gene ID (RefSeq genomes only)"),
    Column("nucleotide_accession_version", String, comment="accession.version of the nucleotide record it lies on"),
    Column("nucleotide_ranges", _RANGES, comment="Where it lies on the genome: from 1, both ends included"),
    Column("nucleotide_sequence_hash", String, comment="NCBI's hash of its nucleotide sequence: hexadecimal text"),
    comment="A gene of a genome that is held now",
)

virus_protein = Table(
    "virus_protein",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="Accession of the genome, without version; joins virus_genome"),
    Column("protein_number", BigInteger, nullable=False, comment="Place in the genome's annotation, from 1"),
    Column("gene_number", BigInteger, nullable=False, comment="Its gene; joins virus_gene"),
    Column("parent_protein_number", BigInteger, comment="Of a mature peptide, the coding region it is cut from"),
    Column("kind", String, nullable=False, comment="coding_region or mature_peptide"),
    Column("name", String, comment="Name of the protein"),
    Column("other_names", _TEXTS, comment="Synonyms"),
    Column("accession_version", String, comment="accession.version of the product itself; rarely stated"),
    Column("nucleotide_accession_version", String, comment="accession.version of the nucleotide record it lies on"),
    Column("nucleotide_ranges", _RANGES, comment="Where it lies on the genome; several where it is joined or slips"),
    Column("nucleotide_sequence_hash", String, comment="NCBI's hash of its nucleotide sequence: hexadecimal text"),
    Column(
        "protein_accession_version", String, comment="accession.version of the protein record that has its residues"
    ),
    Column("protein_ranges", _RANGES, comment="Where it lies on that protein: from 1, both ends included"),
    Column("protein_sequence_hash", String, comment="NCBI's hash of its residues: equal hashes, equal proteins"),
    Column("completeness", String, nullable=False, comment="COMPLETE, PARTIAL or UNKNOWN"),
    Column("uniprot_id", String, comment="UniProtKB accession"),
    Column("uniprot_name", String, comment="UniProtKB entry name"),
    Column("pdb_ids", _TEXTS, comment="Structures in the Protein Data Bank"),
    Column(
        "conserved_domains",
        ARRAY(_struct(accession=String(), name=String(), range=_RANGE)),
        comment="Domains of NCBI's Conserved Domain Database (CDD), each with its range on the protein",
    ),
    comment="A coding region (CDS) of a genome that is held now, or a mature peptide cut from one",
)

biosample = Table(
    "biosample",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="BioSample accession; joins virus_genome.biosample"),
    Column("title", String, comment="Title of the sample"),
    Column("comment", String, comment="What the owner says of it besides"),
    Column("tax_id", BigInteger, comment="NCBI Taxonomy ID of the organism sampled"),
    Column("organism_name", String, comment="Scientific name of the organism sampled"),
    Column("owner_name", String, comment="Institution that submitted it"),
    Column("owner_labs", _TEXTS, comment="Laboratories that submitted it"),
    Column("package", String, comment="BioSample package: which attributes were asked for, such as Pathogen.cl.1.0"),
    Column("models", _TEXTS, comment="BioSample models, the families of packages"),
    Column("bioprojects", _TEXTS, comment="BioProject accessions"),
    Column(
        "bioproject_descriptions",
        ARRAY(_struct(accession=String(), title=String(), parent_accession=String(), parent_accessions=_TEXTS)),
        comment="The BioProjects with their titles and the projects they belong to",
    ),
    Column(
        "sample_ids",
        ARRAY(_struct(db=String(), label=String(), value=String())),
        comment="Its ids elsewhere: database or label, and value",
    ),
    Column("status", String, comment="live, suppressed or another of BioSample's"),
    Column("status_when", TIMESTAMP, comment="Since when it has that status; BioSample gives no time zone"),
    Column("submission_date", TIMESTAMP, comment="When it was submitted; BioSample gives no time zone"),
    Column("publication_date", TIMESTAMP, comment="When it was published; BioSample gives no time zone"),
    Column("last_updated", TIMESTAMP, comment="When it was last updated; BioSample gives no time zone"),
    *_attributes_as_columns(),
    Column("biosample_hash", UBigInteger, nullable=False, comment="Hash of all that the report says of it"),
    Column("valid_from", _MOMENT, nullable=False, comment="Commit time of the run that loaded this state"),
    Column("run_id", String, nullable=False, comment="Run that loaded this state; joins ops.ingest_run"),
    comment="A BioSample that a genome, present or past, names; its past states are not kept",
)

biosample_attribute = Table(
    "biosample_attribute",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="BioSample accession; joins biosample"),
    Column("attribute_number", BigInteger, nullable=False, comment="Place among the sample's attributes, from 1"),
    Column("name", String, comment="Name of the attribute; a sample may have it more than once"),
    Column("value", String, comment="Value as submitted"),
    Column("value_clean", String, comment="Value; NULL where the text says that there is none, such as 'missing'"),
    comment="An attribute of a BioSample",
)


ingest_run = Table(
    "ingest_run",
    metadata,
    *columns_of_runs(),
    schema=OPERATIONS_SCHEMA,
    comment="The run ledger: a row for every run, failed ones too",
)

ingest_report = Table(
    "ingest_report",
    metadata,
    Column("run_id", String, nullable=False, comment="Run; joins ops.ingest_run"),
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("report", String, nullable=False, comment="data_report, annotation_report or biosample_report"),
    Column("lines", BigInteger, comment="Non-blank lines, counted from the bytes"),
    *(Column(outcome, BigInteger, comment=meaning) for outcome, meaning in OUTCOMES.items()),
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
    Column("replayed_at", _MOMENT, comment="When a replay loaded the line after all"),
    Column(
        "resolved_at",
        _MOMENT,
        comment="When its record came in another line, or a full package did without the line",
    ),
    Column("acknowledged_at", _MOMENT, comment="When a person said that they know of it: it raises no alarm since"),
    schema=OPERATIONS_SCHEMA,
    comment="A report line that could not be read, kept to be looked at and replayed",
)

schema_drift = Table(
    "schema_drift",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("report", String, nullable=False, comment="Report file the name came in"),
    Column(
        "path",
        String,
        nullable=False,
        comment="JSON path of a member that this version does not know; $: the report is absent",
    ),
    Column("first_run_id", String, nullable=False, comment="First run that met it"),
    Column("occurrences", BigInteger, nullable=False, comment="Times it was met, in all runs together"),
    Column("sample", String, comment="A value of it, as JSON, cut at 200 characters"),
    Column("last_run_id", String, comment="Last run that met it"),
    Column("resolved_at", _MOMENT, comment="When a full package came that has it no longer, or the missing report"),
    Column("acknowledged_at", _MOMENT, comment="When a person said that they know of it: it raises no alarm since"),
    schema=OPERATIONS_SCHEMA,
    comment="What NCBI's reports hold beyond what this version reads, or lack altogether; it stops no load",
)

source_status = Table(
    "source_status",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("status", String, nullable=False, comment="followed, never loaded, broken or not followed"),
    Column("detail", String, comment="What the status means, where it is not plain"),
    Column("taxon", String, comment="Taxon asked for"),
    Column("records", BigInteger, nullable=False, comment="Rows in virus_genome"),
    Column("watermark", Date, comment="Largest update_date that NCBI has shown"),
    Column("last_success_at", _MOMENT, comment="When its last run committed"),
    Column("last_run_id", String, comment="Its last run, committed or not; joins ops.ingest_run"),
    Column("last_run_status", String, comment="running, success or failed"),
    Column("last_run_error", String, comment="What went wrong in its last run"),
    Column("held_back_since", _MOMENT, comment="Since when the checks keep its news back; NULL: all of it is here"),
    Column("held_back_reason", String, comment="What the checks found in what is held back, and the ways out"),
    schema=OPERATIONS_SCHEMA,
    comment="A source when a snapshot was made: whether it is followed, and what is held; empty in the warehouse",
)

acceptance = Table(
    "acceptance",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("run_id", String, nullable=False, comment="The load; joins ops.ingest_run"),
    Column("accepted", String, nullable=False, comment="missing (records) or emptied (fields)"),
    schema=OPERATIONS_SCHEMA,
    comment="What a person accepted of a load that would otherwise have stopped it",
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


def tables_by_source() -> list[Table]:
    """The tables whose rows each belong to a source. Only a snapshot fills `ops.source_status`."""
    return [table for table in metadata.sorted_tables if "source" in table.columns and table is not source_status]


def full_name(table: Table) -> str:
    """The table's name with its schema."""
    return f"{table.schema or 'main'}.{table.name}"
