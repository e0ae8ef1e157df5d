"""The table of NCBI's command `dataformat tsv virus-genome`."""

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.failure import UsageError
from virus_warehouse.publish.export_formats.tsv import write_tsv
from virus_warehouse.sql_file import run_sql

HEADERS = {
    "accession": "Accession",
    "bioprojects": "BioProjects",
    "biosample-acc": "BioSample accession",
    "completeness": "Completeness",
    "gene-count": "Gene count",
    "geo-location": "Geographic Location",
    "geo-region": "Geographic Region",
    "host-common-name": "Host Common Name",
    "host-infraspecific-breed": "Host Infraspecific Names Breed",
    "host-infraspecific-cultivar": "Host Infraspecific Names Cultivar",
    "host-infraspecific-ecotype": "Host Infraspecific Names Ecotype",
    "host-infraspecific-isolate": "Host Infraspecific Names Isolate",
    "host-infraspecific-sex": "Host Infraspecific Names Sex",
    "host-infraspecific-strain": "Host Infraspecific Names Strain",
    "host-name": "Host Name",
    "host-pangolin": "Host Pangolin Classification",
    "host-tax-id": "Host Taxonomic ID",
    "is-annotated": "Is Annotated",
    "is-complete": "Is Complete",
    "is-lab-host": "Is Lab Host",
    "is-vaccine-strain": "Is Vaccine Strain",
    "isolate-collection-date": "Isolate Collection date",
    "isolate-lineage": "Isolate Lineage",
    "isolate-lineage-source": "Isolate Lineage source",
    "lab-host": "Lab Host",
    "length": "Length",
    "matpeptide-count": "Mature peptide count",
    "mol-type": "Molecule type",
    "protein-count": "Protein count",
    "purpose-of-sampling": "Purpose of Sampling",
    "release-date": "Release date",
    "segment": "Segment",
    "sourcedb": "Source database",
    "sra-accs": "SRA Accessions",
    "submitter-affiliation": "Submitter Affiliation",
    "submitter-country": "Submitter Country",
    "submitter-names": "Submitter Names",
    "update-date": "Update date",
    "virus-common-name": "Virus Common Name",
    "virus-infraspecific-breed": "Virus Infraspecific Names Breed",
    "virus-infraspecific-cultivar": "Virus Infraspecific Names Cultivar",
    "virus-infraspecific-ecotype": "Virus Infraspecific Names Ecotype",
    "virus-infraspecific-isolate": "Virus Infraspecific Names Isolate",
    "virus-infraspecific-sex": "Virus Infraspecific Names Sex",
    "virus-infraspecific-strain": "Virus Infraspecific Names Strain",
    "virus-name": "Virus Name",
    "virus-pangolin": "Virus Pangolin Classification",
    "virus-tax-id": "Virus Taxonomic ID",
}
"""The header of each field, by mnemonic, in NCBI's default order, which is that of the mnemonics."""

FILE = "virus_genome.tsv"


class UnknownField(UsageError):
    """A field that NCBI's table does not have; lists those that it has."""


def validate_fields(fields: Sequence[str]) -> None:
    """Refuse mnemonics that are unknown or repeated.

    Raises:
        UnknownField: naming them.
    """
    known = f"the fields of dataformat are {', '.join(HEADERS)}"
    if unknown := [name for name in fields if name not in HEADERS]:
        raise UnknownField(f"unknown field {', '.join(map(repr, unknown))}; {known}")
    if not fields or len(set(fields)) < len(fields):
        raise UnknownField(f"each field once, at least one; {known}")


def write_dataformat(connection: DuckDBPyConnection, folder: Path, fields: Sequence[str] | None) -> list[Path]:
    """Write the records of `selected`, one row each.

    Args:
        connection: a connection with the temporary table `selected`.
        folder: the output folder.
        fields: mnemonics, in the order wanted; None for all.

    Returns:
        The paths of the files, relative to the folder.
    """
    run_sql(connection, "publish/sql/export/dataformat.sql")
    columns = ", ".join(f'"{name}" AS "{HEADERS[name]}"' for name in fields or HEADERS)
    write_tsv(connection, f"SELECT {columns} FROM dataformat", folder / FILE)
    return [Path(FILE)]
