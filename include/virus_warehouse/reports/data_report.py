"""The data report, one line per nucleotide record: its fields and their columns.

Field names and types: NCBI's data report schema for virus packages,
https://www.ncbi.nlm.nih.gov/datasets/docs/v2/reference-docs/data-reports/virus/
"""

from dataclasses import dataclass

from virus_warehouse.reports.report import Report
from virus_warehouse.reports.shape import Json, ListOf, Object, Shape, Value


@dataclass(frozen=True)
class Field:
    """A field that is stored.

    Attributes:
        shape: the shape of its value.
        column: its staged column, or an expression that is NULL where the report omits the field.
    """

    shape: Shape
    column: str


_INFRASPECIFIC_NAMES = Json(
    Object(dict.fromkeys(("breed", "cultivar", "ecotype", "isolate", "sex", "strain"), Value.ANYTHING))
)

_LINEAGE = Json(
    ListOf(Object({"name": Value.TEXT, "taxId": Value.NUMBER})),
    counted_by="lineage_names_and_texts",
)


def _organism(organism: str) -> dict[str, Field]:
    return {
        "taxId": Field(Value.NUMBER, f"{organism}_tax_id"),
        "organismName": Field(Value.TEXT, f"{organism}_name"),
        "commonName": Field(Value.TEXT, f"{organism}_common_name"),
        "infraspecificNames": Field(_INFRASPECIFIC_NAMES, f"{organism}_infraspecific_names"),
    }


FIELDS: dict[str, Field | dict[str, Field]] = {
    "accession": Field(Value.TEXT, "accession_version"),
    "bioprojects": Field(ListOf(Value.TEXT), "bioprojects"),
    "biosample": Field(Value.TEXT, "biosample"),
    "completeness": Field(Value.TEXT, "nullif(completeness, 'UNKNOWN')"),
    "geneCount": Field(Value.NUMBER, "gene_count"),
    "host": _organism("host"),
    "isAnnotated": Field(Value.FLAG, "nullif(is_annotated, false)"),
    "isLabHost": Field(Value.FLAG, "nullif(is_lab_host, false)"),
    "isVaccineStrain": Field(Value.FLAG, "nullif(is_vaccine_strain, false)"),
    "isolate": {
        "name": Field(Value.TEXT, "isolate_name"),
        "source": Field(Value.TEXT, "isolate_source"),
        "collectionDate": Field(Value.TEXT, "collection_date"),
    },
    "labHost": Field(Value.TEXT, "lab_host"),
    "length": Field(Value.NUMBER, "length"),
    "location": {
        "geographicLocation": Field(Value.TEXT, "geo_location"),
        "geographicRegion": Field(Value.TEXT, "geo_region"),
        "usaState": Field(Value.TEXT, "usa_state"),
    },
    "maturePeptideCount": Field(Value.NUMBER, "mature_peptide_count"),
    "molType": Field(Value.TEXT, "mol_type"),
    "nucleotide": {"sequenceHash": Field(Value.TEXT, "sequence_hash")},
    "proteinCount": Field(Value.NUMBER, "protein_count"),
    "purposeOfSampling": Field(Value.TEXT, "purpose_of_sampling"),
    "releaseDate": Field(Value.TEXT, "release_date"),
    "segment": Field(Value.TEXT, "segment"),
    "sourceDatabase": Field(Value.TEXT, "source_database"),
    "sraAccessions": Field(ListOf(Value.TEXT), "sra_accessions"),
    "submitter": {
        "names": Field(ListOf(Value.TEXT), "submitter_names"),
        "affiliation": Field(Value.TEXT, "submitter_affiliation"),
        "country": Field(Value.TEXT, "submitter_country"),
    },
    "updateDate": Field(Value.TEXT, "update_date"),
    "virus": {
        **_organism("virus"),
        "strain": Field(Value.TEXT, "virus_strain"),
        "pangolinClassification": Field(Value.TEXT, "pango_lineage"),
    },
}
"""The stored fields, as nested in a line."""

_LINEAGES: dict[str, dict[str, Shape]] = {"host": {"lineage": _LINEAGE}, "virus": {"lineage": _LINEAGE}}
"""Read into the taxonomy, not into columns of a record."""

_IGNORED_FIELDS: dict[str, tuple[str, ...]] = {
    "host": ("sciName", "strain", "pangolinClassification"),
    "virus": ("sciName",),
    "nucleotide": ("seqId", "accessionVersion", "title", "range"),
}
"""Current or former fields of NCBI's schema without information; they are not reported as drift."""


def fields_by_path() -> dict[str, Field]:
    """The stored fields, by their paths in a line, such as `host.taxId`."""
    fields: dict[str, Field] = {}
    for name, field in FIELDS.items():
        fields |= {name: field} if isinstance(field, Field) else {f"{name}.{key}": part for key, part in field.items()}
    return fields


def columns_by_path() -> dict[str, str]:
    """The column of each stored field, by the field's path in a line."""
    return {path: field.column for path, field in fields_by_path().items()}


def _shape_of(name: str, field: Field | dict[str, Field]) -> Shape:
    if isinstance(field, Field):
        return field.shape
    members = {key: member.shape for key, member in field.items()}
    return Object(members | _LINEAGES.get(name, {}), _IGNORED_FIELDS.get(name, ()))


DATA_REPORT = Report(
    name="data_report",
    shape=Object(
        {name: _shape_of(name, field) for name, field in FIELDS.items()},
        ignored=("isComplete", "nucleotideCompleteness"),
    ),
    has_lineages=True,
    derived=(
        "reports/lineage_given.sql",
        "reports/places.sql",
        "reports/free_texts.sql",
        "reports/taxonomy.sql",
    ),
)
