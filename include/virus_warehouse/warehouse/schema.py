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
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

from virus_warehouse.warehouse.run_record import OUTCOMES, SEQUENCE_OUTCOMES, columns_of_runs

OPERATIONS_SCHEMA = "ops"
"""For operations: the ledger and what could not be read. Tables to query are in DuckDB's `main`."""

metadata = MetaData()

_MOMENT = TIMESTAMP(timezone=True)
_TEXTS = ARRAY(String)
_NAME_IN_RECORD = "Name of the {0} in the record, often a former one: taxon_name({0}_tax_id) gives the current one"


def _virus_genome_columns() -> Iterator[Column[object]]:
    """The columns of a record, current or past, in reading order."""
    yield Column("source", String, nullable=False, comment="Name of the source in sources.yaml")
    yield Column("accession", String, nullable=False, comment="INSDC or RefSeq accession, without version")
    yield Column("version", Integer, nullable=False, comment="Sequence version of the accession")
    yield Column("accession_version", String, nullable=False, comment="accession.version, as given by NCBI")
    yield Column("virus_tax_id", BigInteger, comment="NCBI Taxonomy ID of the virus; joins taxon, taxon_lineage")
    yield Column("virus_name", String, comment=_NAME_IN_RECORD.format("virus"))
    yield Column("virus_common_name", String, comment="Common name of the virus")
    yield Column("virus_strain", String, comment="Strain, if NCBI Taxonomy lists one")
    yield Column("virus_infraspecific_names", JSON, comment="Breed, cultivar, ecotype, isolate, sex, strain")
    yield Column("pango_lineage", String, comment="Pango lineage that NCBI assigned (SARS-CoV-2 only)")
    yield Column("host_tax_id", BigInteger, comment="NCBI Taxonomy ID of the host; NULL when not stated")
    yield Column("host_name", String, comment=_NAME_IN_RECORD.format("host"))
    yield Column("host_common_name", String, comment="Common name of the host")
    yield Column("host_infraspecific_names", JSON, comment="Breed, cultivar, ecotype, isolate, sex, strain")
    yield Column("isolate_name", String, comment="Isolate from which the sequence was obtained")
    yield Column("isolate_source", String, comment="Specimen or environment of the isolate")
    yield Column("collection_date", String, comment="Collection date as submitted, of any precision")
    yield Column("collection_date_min", Date, comment="Earliest possible day of collection")
    yield Column("collection_date_max", Date, comment="Latest possible day of collection")
    yield Column("collection_date_precision", String, comment="day, month, year or range; NULL if unreadable")
    yield Column("geo_location", String, comment="Place of collection as submitted: country:division, locality")
    yield Column(
        "country", String, comment="Country or sea in geo_location, under its current INSDC name; NULL if none"
    )
    yield Column("country_code", String, comment="ISO 3166-1 alpha-2 code of the country; NULL if it has none")
    yield Column("division", String, comment="geo_location from its first colon to the next colon or comma")
    yield Column("geo_region", String, comment="Continent, as assigned by NCBI")
    yield Column("usa_state", String, comment="Two-letter code of the U.S. state, as assigned by NCBI")
    yield Column("release_date", Date, comment="Day of first release, in UTC")
    yield Column("update_date", Date, comment="Day of the last update in NCBI Virus, in UTC; NULL if unknown")
    yield Column("completeness", String, comment="COMPLETE, PARTIAL or UNKNOWN, as declared by the submitter")
    yield Column("length", BigInteger, comment="Length of the sequence in nucleotides")
    yield Column("gene_count", BigInteger, comment="Number of annotated genes; NULL when NCBI reports none")
    yield Column("protein_count", BigInteger, comment="Number of annotated proteins; NULL when NCBI reports none")
    yield Column(
        "mature_peptide_count", BigInteger, comment="Number of annotated mature peptides; NULL when NCBI reports none"
    )
    yield Column("is_annotated", Boolean, comment="Whether the sequence is annotated")
    yield Column("source_database", String, comment="GenBank or RefSeq")
    yield Column("mol_type", String, comment="Molecule type (deprecated by NCBI, rarely filled)")
    yield Column("segment", String, comment="Segment name; NCBI writes ANONYMOUS for some unsegmented genomes")
    yield Column("biosample", String, comment="BioSample accession")
    yield Column("bioprojects", _TEXTS, comment="BioProject accessions")
    yield Column("sra_accessions", _TEXTS, comment="SRA accessions of the reads (runs, sometimes samples)")
    yield Column(
        "purpose_of_sampling", String, comment="Purpose of sampling, such as PURPOSE_OF_SAMPLING_BASELINE_SURVEILLANCE"
    )
    yield Column("submitter_names", _TEXTS, comment="Submitting authors, such as 'Wu,F.'")
    yield Column("submitter_affiliation", String, comment="Institution of the submitters")
    yield Column("submitter_country", String, comment="Country of the institution")
    yield Column("lab_host", String, comment="Organism or cell line in which the virus was passaged")
    yield Column("is_lab_host", Boolean, comment="Whether the host is a laboratory host")
    yield Column("is_vaccine_strain", Boolean, comment="Whether the virus is a vaccine strain")
    yield Column("sequence_hash", String, comment="NCBI's hash of the sequence: hexadecimal, without leading zeros")
    yield Column("record_hash", UBigInteger, comment="Hash of all report fields except update_date")
    yield Column("status", String, nullable=False, comment="live, or missing: not listed by the last census")
    yield Column("missing_since", _MOMENT, comment="Request time of the first census that did not list it")
    yield Column("valid_from", _MOMENT, nullable=False, comment="Commit time of the run that loaded this state")
    yield Column("run_id", String, nullable=False, comment="Run that loaded this state; joins ops.ingest_run")


virus_genome = Table(
    "virus_genome",
    metadata,
    *_virus_genome_columns(),
    comment="A current nucleotide record of NCBI, one row per source and accession",
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
    Column("name", String, comment="Current scientific name, or that of a record if no lineage has the taxon"),
    comment="A taxon of a record, or one of its ancestors",
)

taxon_lineage = Table(
    "taxon_lineage",
    metadata,
    Column("descendant_tax_id", BigInteger, nullable=False, comment="The taxon"),
    Column("ancestor_tax_id", BigInteger, nullable=False, comment="The taxon itself or one of its ancestors"),
    Column("depth", Integer, nullable=False, comment="Steps from the taxon up to the ancestor; 0 for the taxon itself"),
    comment="A taxon paired with itself or an ancestor: one join finds everything under a taxon",
)


def _attributes_as_columns() -> Iterator[Column[object]]:
    """Attributes that BioSample repeats as fields, as submitted, including 'missing' and the like."""
    yield Column("age", String, comment="Age at the time of sampling")
    yield Column("biomaterial_provider", String, comment="Laboratory or person that provided the material")
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
    yield Column(
        "ifsac_category", String, comment="Food category as defined by IFSAC, the U.S. food safety collaboration"
    )
    yield Column("isolate", String, comment="Individual from which the sample was obtained")
    yield Column("isolate_name_alias", String, comment="Other names of the isolate")
    yield Column("isolation_source", String, comment="Specimen or environment from which the sample was obtained")
    yield Column("lat_lon", String, comment="Latitude and longitude of the place of collection")
    yield Column("project_name", String, comment="Name of the project")
    yield Column("sample_name", String, comment="Name of the sample in the source database")
    yield Column("serotype", String, comment="Taxonomic name below subspecies, like serovar")
    yield Column("serovar", String, comment="Taxonomic name below subspecies, like serotype")
    yield Column("sex", String, comment="Sex of the sampled organism")
    yield Column("source_type", String, comment="Kind of isolation source, from a controlled vocabulary")
    yield Column("strain", String, comment="Strain")
    yield Column("sub_species", String, comment="Subspecies")
    yield Column("tissue", String, comment="Tissue from which the sample was taken")


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
    Column(
        "accession_version", String, nullable=False, comment="accession.version of the genome, always the held version"
    ),
    Column("isolate_name", String, comment="Isolate, as given by the annotation report"),
    Column(
        "annotation_hash",
        UBigInteger,
        nullable=False,
        comment="Hash of all that the report states about the genome",
    ),
    Column("valid_from", _MOMENT, nullable=False, comment="Commit time of the run that loaded this annotation"),
    Column("run_id", String, nullable=False, comment="Run that loaded this annotation; joins ops.ingest_run"),
    comment="The annotation of a held genome; past annotation is not kept",
)

virus_gene = Table(
    "virus_gene",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="Accession of the genome, without version; joins virus_genome"),
    Column("gene_number", BigInteger, nullable=False, comment="Position in the genome's annotation, from 1"),
    Column("name", String, comment="Gene symbol"),
    Column("gene_id", BigInteger, comment="NCBI Gene ID (RefSeq genomes only)"),
    Column(
        "nucleotide_accession_version", String, comment="accession.version of the nucleotide record with the ranges"
    ),
    Column("nucleotide_ranges", _RANGES, comment="Its ranges on the genome: 1-based, both ends included"),
    Column("nucleotide_sequence_hash", String, comment="NCBI's hash of its nucleotide sequence: hexadecimal"),
    comment="A gene of a held genome",
)

virus_protein = Table(
    "virus_protein",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="Accession of the genome, without version; joins virus_genome"),
    Column("protein_number", BigInteger, nullable=False, comment="Position in the genome's annotation, from 1"),
    Column("gene_number", BigInteger, nullable=False, comment="Its gene; joins virus_gene"),
    Column("parent_protein_number", BigInteger, comment="The coding region from which a mature peptide is cleaved"),
    Column("kind", String, nullable=False, comment="coding_region or mature_peptide"),
    Column("name", String, comment="Name of the protein"),
    Column("other_names", _TEXTS, comment="Synonyms"),
    Column("accession_version", String, comment="accession.version of the product itself; rarely stated"),
    Column(
        "nucleotide_accession_version", String, comment="accession.version of the nucleotide record with the ranges"
    ),
    Column("nucleotide_ranges", _RANGES, comment="Its ranges on the genome; several for joins and ribosomal slippage"),
    Column("nucleotide_sequence_hash", String, comment="NCBI's hash of its nucleotide sequence: hexadecimal"),
    Column("protein_accession_version", String, comment="accession.version of the protein record with its amino acids"),
    Column("protein_ranges", _RANGES, comment="Its ranges on that protein: 1-based, both ends included"),
    Column("protein_sequence_hash", String, comment="NCBI's hash of its amino acids: equal hashes mean equal proteins"),
    Column("completeness", String, nullable=False, comment="COMPLETE, PARTIAL or UNKNOWN"),
    Column("uniprot_id", String, comment="UniProtKB accession"),
    Column("uniprot_name", String, comment="UniProtKB entry name"),
    Column("pdb_ids", _TEXTS, comment="Structures in the Protein Data Bank"),
    Column(
        "conserved_domains",
        ARRAY(_struct(accession=String(), name=String(), range=_RANGE)),
        comment="Domains of NCBI's Conserved Domain Database (CDD), each with its range on the protein",
    ),
    comment="A coding region (CDS) of a held genome, or a mature peptide cleaved from one",
)

biosample = Table(
    "biosample",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="BioSample accession; joins virus_genome.biosample"),
    Column("title", String, comment="Title of the sample"),
    Column("comment", String, comment="Comment of the owner"),
    Column("tax_id", BigInteger, comment="NCBI Taxonomy ID of the sampled organism"),
    Column("organism_name", String, comment="Scientific name of the sampled organism"),
    Column("owner_name", String, comment="Institution that submitted it"),
    Column("owner_labs", _TEXTS, comment="Laboratories that submitted it"),
    Column("package", String, comment="BioSample package, the set of expected attributes, such as Pathogen.cl.1.0"),
    Column("models", _TEXTS, comment="BioSample models, which are families of packages"),
    Column("bioprojects", _TEXTS, comment="BioProject accessions"),
    Column(
        "bioproject_descriptions",
        ARRAY(_struct(accession=String(), title=String(), parent_accession=String(), parent_accessions=_TEXTS)),
        comment="The BioProjects with their titles and parent projects",
    ),
    Column(
        "sample_ids",
        ARRAY(_struct(db=String(), label=String(), value=String())),
        comment="Its identifiers in other databases: database or label, and value",
    ),
    Column("status", String, comment="live, suppressed or another status of BioSample"),
    Column("status_when", TIMESTAMP, comment="When its status last changed; BioSample gives no time zone"),
    Column("submission_date", TIMESTAMP, comment="When it was submitted; BioSample gives no time zone"),
    Column("publication_date", TIMESTAMP, comment="When it was published; BioSample gives no time zone"),
    Column("last_updated", TIMESTAMP, comment="When it was last updated; BioSample gives no time zone"),
    *_attributes_as_columns(),
    Column("biosample_hash", UBigInteger, nullable=False, comment="Hash of all that the report states about it"),
    Column("valid_from", _MOMENT, nullable=False, comment="Commit time of the run that loaded this state"),
    Column("run_id", String, nullable=False, comment="Run that loaded this state; joins ops.ingest_run"),
    comment="A BioSample of a current or past genome; past states of the BioSample are not kept",
)

biosample_attribute = Table(
    "biosample_attribute",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="BioSample accession; joins biosample"),
    Column("attribute_number", BigInteger, nullable=False, comment="Position among the sample's attributes, from 1"),
    Column("name", String, comment="Name of the attribute; a sample may have it more than once"),
    Column("value", String, comment="Value as submitted"),
    Column("value_clean", String, comment="Value, or NULL for a placeholder such as 'missing'"),
    comment="An attribute of a BioSample",
)


ingest_run = Table(
    "ingest_run",
    metadata,
    *columns_of_runs(),
    schema=OPERATIONS_SCHEMA,
    comment="The run ledger: one row per run, including failed runs",
)

ingest_report = Table(
    "ingest_report",
    metadata,
    Column("run_id", String, nullable=False, comment="Run; joins ops.ingest_run"),
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("report", String, nullable=False, comment="Name of the report, such as data_report"),
    Column("lines", BigInteger, comment="Non-blank lines, counted in the raw file"),
    *(Column(outcome, BigInteger, comment=meaning) for outcome, meaning in OUTCOMES.items()),
    schema=OPERATIONS_SCHEMA,
    comment="Line outcomes of each report file of a run",
)

sequence = Table(
    "sequence",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="Accession of the genome, without version; joins virus_genome"),
    Column("accession_version", String, nullable=False, comment="accession.version of the genome"),
    Column("molecule", String, nullable=False, comment="genome, cds or protein"),
    Column("sequence_id", String, nullable=False, comment="First word of the header, such as NC_045512.2:21563-25384"),
    Column("header", String, nullable=False, comment="Header of the sequence in NCBI's FASTA file, without >"),
    Column("sha256", LargeBinary, nullable=False, comment="SHA-256 of the letters; joins ops.sequence_letters"),
    Column("valid_from", _MOMENT, nullable=False, comment="Commit time of the run that loaded it"),
    Column("valid_to", _MOMENT, comment="Commit time of the run that brought other letters or another header"),
    Column("run_id", String, nullable=False, comment="Run that loaded it; joins ops.ingest_run"),
    schema=OPERATIONS_SCHEMA,
    comment="A sequence of a record, present or past; virus_sequence has its letters",
)

sequence_letters = Table(
    "sequence_letters",
    metadata,
    Column("sha256", LargeBinary, nullable=False, comment="SHA-256 of the letters"),
    Column("length", BigInteger, nullable=False, comment="Number of letters"),
    Column("ambiguous", BigInteger, nullable=False, comment="Letters for several possible bases or residues, and gaps"),
    Column("part", String, nullable=False, comment="Parquet file in the sequence store"),
    Column("position", BigInteger, nullable=False, comment="Its row in that file, from 0"),
    schema=OPERATIONS_SCHEMA,
    comment="Where the letters of a distinct sequence are; the store has them once, for all sources",
)

sequence_mismatch = Table(
    "sequence_mismatch",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("molecule", String, nullable=False, comment="genome, cds or protein"),
    Column("sequence_id", String, nullable=False, comment="First word of the header; empty: none"),
    Column("accession", String, comment="Accession of the genome, without version, where known"),
    Column("reason", String, nullable=False, comment="What does not fit"),
    Column("occurrences", BigInteger, nullable=False, comment="Entries of that name in the last run that met it"),
    Column("first_run_id", String, nullable=False, comment="First run that met it"),
    Column("last_run_id", String, nullable=False, comment="Last run that met it"),
    Column("resolved_at", _MOMENT, comment="When a run brought what was missing, or a full package no longer had it"),
    schema=OPERATIONS_SCHEMA,
    comment="A sequence that does not fit its record, or a record without its sequence",
)

ingest_sequence = Table(
    "ingest_sequence",
    metadata,
    Column("run_id", String, nullable=False, comment="Run; joins ops.ingest_run"),
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("molecule", String, nullable=False, comment="genome, cds or protein"),
    Column("records", BigInteger, nullable=False, comment="Entries of the FASTA file, counted from the bytes"),
    *(Column(outcome, BigInteger, nullable=False, comment=meaning) for outcome, meaning in SEQUENCE_OUTCOMES.items()),
    Column(
        "missing", BigInteger, nullable=False, comment="Records of the data report without a sequence, here or held"
    ),
    schema=OPERATIONS_SCHEMA,
    comment="The outcomes of the entries of each FASTA file of a run",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("report", String, nullable=False, comment="Report file that contained the line"),
    Column("line_number", BigInteger, nullable=False, comment="Line number in the file of the first run, from 1"),
    Column("reason", String, nullable=False, comment="Why the line was refused"),
    Column("raw", String, nullable=False, comment="The line as received; bytes that are not UTF-8 as \\xNN"),
    Column("raw_sha256", String, nullable=False, comment="SHA-256 of the line's bytes"),
    Column("first_run_id", String, nullable=False, comment="First run that received the line"),
    Column("last_run_id", String, nullable=False, comment="Last run that received the line"),
    Column("replayed_at", _MOMENT, comment="When a replay loaded the line"),
    Column(
        "resolved_at",
        _MOMENT,
        comment="When its record came on another line, or a full package no longer had the line",
    ),
    Column("acknowledged_at", _MOMENT, comment="When a person acknowledged it; it raises no alarm after that"),
    schema=OPERATIONS_SCHEMA,
    comment="A report line that could not be read, kept for inspection and replay",
)

schema_drift = Table(
    "schema_drift",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("report", String, nullable=False, comment="Report file that contained it"),
    Column(
        "path",
        String,
        nullable=False,
        comment="JSON path of a field unknown to this version; $ if the whole report is absent",
    ),
    Column("first_run_id", String, nullable=False, comment="First run that found it"),
    Column("occurrences", BigInteger, nullable=False, comment="Number of occurrences, over all runs"),
    Column("sample", String, comment="A sample value as JSON, truncated to 200 characters"),
    Column("last_run_id", String, comment="Last run that found it"),
    Column("resolved_at", _MOMENT, comment="When a full package no longer had the field, or had the missing report"),
    Column("acknowledged_at", _MOMENT, comment="When a person acknowledged it; it raises no alarm after that"),
    schema=OPERATIONS_SCHEMA,
    comment="A field unknown to this version, or a report missing from a package; neither fails a load",
)

source_status = Table(
    "source_status",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("status", String, nullable=False, comment="followed, never loaded, broken or not followed"),
    Column("detail", String, comment="Explanation of the status, where it needs one"),
    Column("taxon", String, comment="Requested taxon"),
    Column("records", BigInteger, nullable=False, comment="Rows in virus_genome"),
    Column("watermark", Date, comment="Largest update_date that NCBI has shown"),
    Column("last_success_at", _MOMENT, comment="When its last run committed"),
    Column("last_run_id", String, comment="Its last run, committed or not; joins ops.ingest_run"),
    Column("last_run_status", String, comment="running, success or failed"),
    Column("last_run_error", String, comment="Error of its last run"),
    Column("held_back_since", _MOMENT, comment="Since when the source is held back; NULL if it is not"),
    Column("held_back_reason", String, comment="The findings that hold it back, and the ways out"),
    schema=OPERATIONS_SCHEMA,
    comment="A source when the snapshot was made: status, contents and last run; empty in the warehouse",
)

acceptance = Table(
    "acceptance",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("run_id", String, nullable=False, comment="The load; joins ops.ingest_run"),
    Column("accepted", String, nullable=False, comment="missing (records) or emptied (fields)"),
    schema=OPERATIONS_SCHEMA,
    comment="Missing records or emptied fields that a person accepted, so that a load could commit",
)

approval = Table(
    "approval",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column(
        "gate",
        String,
        nullable=False,
        comment="Gate that held the source back; missing (records) or emptied (fields) of a load that was stopped",
    ),
    Column("finding", String, nullable=False, comment="Its finding, with figures and examples, as it was shown"),
    Column(
        "answer",
        String,
        nullable=False,
        comment="publish (despite this finding), load (the stopped package) or keep (what is published, or held); the "
        "last answer counts",
    ),
    Column("answered_by", String, nullable=False, comment="Who answered, or that nobody did in time"),
    Column("answered_at", _MOMENT, nullable=False, comment="When"),
    schema=OPERATIONS_SCHEMA,
    comment="An answer to a finding that held a source back or stopped a load; it counts for this finding only",
)

census_missing = Table(
    "census_missing",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column("accession", String, nullable=False, comment="INSDC or RefSeq accession, without version"),
    Column("run_id", String, nullable=False, comment="The census; joins ops.ingest_run"),
    Column("requested_at", _MOMENT, nullable=False, comment="When its package was requested"),
    Column("is_accepted", Boolean, nullable=False, comment="Whether a person accepted the number of missing records"),
    schema=OPERATIONS_SCHEMA,
    comment="A record that a census did not list",
)

history_thinned = Table(
    "history_thinned",
    metadata,
    Column("source", String, nullable=False, comment="Name of the source in sources.yaml"),
    Column(
        "kept_since",
        _MOMENT,
        nullable=False,
        comment="All states that were valid then or later are kept; virus_genome_as_of refuses earlier times",
    ),
    Column("states", BigInteger, nullable=False, comment="Past states that housekeeping has removed, in total"),
    Column("thinned_at", _MOMENT, nullable=False, comment="When it last removed some"),
    schema=OPERATIONS_SCHEMA,
    comment="A source whose history_days has removed past states of records",
)


def tables_by_source() -> list[Table]:
    """The tables whose rows each belong to a source. Only a snapshot fills `ops.source_status`."""
    return [table for table in metadata.sorted_tables if "source" in table.columns and table is not source_status]


def full_name(table: Table) -> str:
    """The table's name with its schema."""
    return f"{table.schema or 'main'}.{table.name}"
