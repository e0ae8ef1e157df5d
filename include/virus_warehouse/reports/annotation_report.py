"""The annotation report, one line per annotated genome: its genes, their coding regions and mature peptides.

Field names and types: NCBI's message VirusAnnotationReport,
https://www.ncbi.nlm.nih.gov/datasets/docs/v2/reference-docs/data-reports/virus-annotation/
"""

from virus_warehouse.reports.report import Report
from virus_warehouse.reports.shape import ListOf, Object, Shape, Value

_RANGE = Object(
    {
        "begin": Value.LONG,
        "end": Value.LONG,
        "orientation": Value.TEXT,
        "order": Value.NUMBER,
        "ribosomalSlippage": Value.NUMBER,
    }
)

_SEQUENCE = Object(
    {
        "accessionVersion": Value.TEXT,
        "range": ListOf(_RANGE),
        "seqId": Value.TEXT,
        "sequenceHash": Value.TEXT,
        "title": Value.TEXT,
    }
)

_PEPTIDE: dict[str, Shape] = {
    "accession": Value.TEXT,
    "cdd": ListOf(Object({"accession": Value.TEXT, "name": Value.TEXT, "range": _RANGE})),
    "name": Value.TEXT,
    "nucleotide": _SEQUENCE,
    "otherNames": ListOf(Value.TEXT),
    "pdbIds": ListOf(Value.TEXT),
    "protein": _SEQUENCE,
    "proteinCompleteness": Value.TEXT,
    "uniProtKb": Object({"id": Value.TEXT, "name": Value.TEXT}),
}
"""NCBI's message is recursive. A mature peptide of a mature peptide has not been seen; it would be drift."""

_CODING_REGION = Object({**_PEPTIDE, "maturePeptide": ListOf(Object(_PEPTIDE))})

_GENE = Object({"cds": ListOf(_CODING_REGION), "geneId": Value.NUMBER, "name": Value.TEXT, "nucleotide": _SEQUENCE})

ANNOTATION_REPORT = Report(
    name="annotation_report",
    parameter="ANNOTATION",
    announced_by="is_annotated",
    shape=Object({"accession": Value.TEXT, "genes": ListOf(_GENE), "isolateName": Value.TEXT}),
    is_deep=True,
    outcomes_by="warehouse/merge/20_annotation_outcome.sql",
    written_by="warehouse/merge/25_write_annotations.sql",
)
