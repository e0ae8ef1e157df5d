"""The BioSample report, one line per BioSample that a genome of the package names.

Field names and types: NCBI's message BioSampleDescriptor,
https://www.ncbi.nlm.nih.gov/datasets/docs/v2/reference-docs/data-reports/biosample/
"""

from virus_warehouse.reports.report import Report
from virus_warehouse.reports.shape import ListOf, Object, Value

FLATTENED = (
    "age",
    "biomaterialProvider",
    "breed",
    "collectedBy",
    "collectionDate",
    "cultivar",
    "devStage",
    "ecotype",
    "geoLocName",
    "host",
    "hostDisease",
    "identifiedBy",
    "ifsacCategory",
    "isolate",
    "isolateNameAlias",
    "isolationSource",
    "latLon",
    "projectName",
    "sampleName",
    "serotype",
    "serovar",
    "sex",
    "sourceType",
    "strain",
    "subSpecies",
    "tissue",
)
"""Attributes that NCBI repeats as separate fields."""

_ORGANISM = Object(
    {"organismName": Value.TEXT, "taxId": Value.NUMBER},
    ignored=("commonName", "infraspecificNames", "lineage", "pangolinClassification", "sciName", "strain"),
)

_BIOPROJECT = Object(
    {
        "accession": Value.TEXT,
        "parentAccession": Value.TEXT,
        "parentAccessions": ListOf(Value.TEXT),
        "title": Value.TEXT,
    }
)

BIOSAMPLE_REPORT = Report(
    name="biosample_report",
    parameter="BIOSAMPLE_REPORT",
    announced_by="biosample IS NOT NULL",
    is_deep=True,
    outcomes_by="warehouse/merge/30_biosample_outcome.sql",
    written_by="warehouse/merge/31_write_biosamples.sql",
    shape=Object(
        {
            "accession": Value.TEXT,
            "attributes": ListOf(Object({"name": Value.TEXT, "value": Value.TEXT})),
            "bioprojects": ListOf(_BIOPROJECT),
            "description": Object({"comment": Value.TEXT, "organism": _ORGANISM, "title": Value.TEXT}),
            "lastUpdated": Value.TEXT,
            "models": ListOf(Value.TEXT),
            "owner": Object({"contacts": ListOf(Object({"lab": Value.TEXT})), "name": Value.TEXT}),
            "package": Value.TEXT,
            "publicationDate": Value.TEXT,
            "sampleIds": ListOf(Object({"db": Value.TEXT, "label": Value.TEXT, "value": Value.TEXT})),
            "status": Object({"status": Value.TEXT, "when": Value.TEXT}),
            "submissionDate": Value.TEXT,
            **dict.fromkeys(FLATTENED, Value.TEXT),
        }
    ),
)
