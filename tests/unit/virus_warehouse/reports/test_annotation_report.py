import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from tests.support.nested_lines import ANNOTATION
from tests.support.warehouses import report as report_bytes
from virus_warehouse.reports.annotation_report import ANNOTATION_REPORT
from virus_warehouse.reports.reading import stage
from virus_warehouse.session import private_session

FORWARD = {"orientation": "plus", "order": 1, "ribosomal_slippage": 1}
BACKWARD = {"orientation": "minus", "order": 2, "ribosomal_slippage": -1}

MATURE_PEPTIDE = {
    "name": "helicase",
    "other_names": ["nsp13"],
    "accession_version": "YP_2.1",
    "nucleotide_accession_version": "NC_063383.2",
    "nucleotide_ranges": [{"begin": 7, "end": 12, **FORWARD}],
    "nucleotide_sequence_hash": "5F8D9A",
    "protein_accession_version": "YP_1.1",
    "protein_ranges": [{"begin": 2, "end": 3, **FORWARD}],
    "protein_sequence_hash": "A1",
    "completeness": "PARTIAL",
    "uniprot_id": "P0DTD1",
    "uniprot_name": "R1AB_SARS2",
    "pdb_ids": ["6XEZ", "7NIO"],
    "conserved_domains": [{"accession": "CDD:1", "name": "RdRp", "range": {"begin": 3, "end": 9, **FORWARD}}],
}

CODING_REGION = {
    "name": "ORF1ab polyprotein",
    "other_names": ["pp1ab", "ORF1ab"],
    "accession_version": "YP_1.1",
    "nucleotide_accession_version": "NC_063383.2",
    "nucleotide_ranges": [{"begin": 1, "end": 6, **FORWARD}, {"begin": 5, "end": 90, **BACKWARD}],
    "nucleotide_sequence_hash": "5F8D9A",
    "protein_accession_version": "YP_1.1",
    "protein_ranges": [{"begin": 1, "end": 30, **FORWARD}],
    "protein_sequence_hash": "B2",
    "completeness": "COMPLETE",
    "uniprot_id": "P0DTD2",
    "uniprot_name": "R1A_SARS2",
    "pdb_ids": ["5R7Y"],
    "conserved_domains": [{"accession": "CDD:2", "name": "Macro", "range": {"begin": 1, "end": 2, **FORWARD}}],
}

GENE = {
    "name": "ORF1ab",
    "gene_id": 43740578,
    "nucleotide_accession_version": "NC_063383.2",
    "nucleotide_ranges": [{"begin": 5, "end": 90, **BACKWARD}],
    "nucleotide_sequence_hash": "5F8D9A",
    "coding_regions": [{"protein": CODING_REGION, "mature_peptides": [MATURE_PEPTIDE]}],
}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    (tmp_path / "spill").mkdir()
    with private_session(tmp_path / "spill") as connection:
        yield connection


def staged(session: DuckDBPyConnection, folder: Path, *lines: dict[str, Any]) -> list[tuple[Any, ...]]:
    content = report_bytes(tuple(map(json.dumps, lines)))
    stage(ANNOTATION_REPORT, session, partial(io.BytesIO, content), folder)
    columns = "accession, version, accession_version, isolate_name, genes"
    return session.execute(f"SELECT {columns} FROM annotation_report ORDER BY line_number").fetchall()


def test_every_field_is_typed_and_in_its_column(session: DuckDBPyConnection, tmp_path: Path) -> None:
    [row] = staged(session, tmp_path, ANNOTATION)
    assert row == ("NC_063383", 2, "NC_063383.2", "Wuhan-Hu-1", [GENE])


def test_values_omitted_by_protobuf_are_read_as_defaults(session: DuckDBPyConnection, tmp_path: Path) -> None:
    bare, empty = {"accession": "PX1.1"}, {"accession": "PX2.1", "genes": []}
    place = {"nucleotide": {"range": [{}]}}
    [nothing, none, gene] = staged(session, tmp_path, bare, empty, {"accession": "PX3.1", "genes": [{"cds": [place]}]})
    assert (nothing[3:], none[3:]) == ((None, None), (None, []))
    [region] = gene[4][0]["coding_regions"]
    assert region["mature_peptides"] is None
    assert {name: value for name, value in region["protein"].items() if value is not None} == {
        "completeness": "UNKNOWN",
        "nucleotide_ranges": [
            {"begin": None, "end": None, "orientation": "none", "order": None, "ribosomal_slippage": None}
        ],
    }


def test_hash_does_not_change_when_a_default_is_explicit(session: DuckDBPyConnection, tmp_path: Path) -> None:
    def peptide(**fields: Any) -> dict[str, Any]:
        return {"accession": "PX1.1", "genes": [{"cds": [{"name": "a", **fields}]}]}

    staged(
        session,
        tmp_path,
        peptide(protein={"range": [{"begin": "1"}]}),
        peptide(protein={"range": [{"begin": "1", "orientation": "none"}]}, proteinCompleteness="UNKNOWN"),
    )
    assert len(session.execute("SELECT DISTINCT annotation_hash FROM annotation_report").fetchall()) == 1


def test_text_is_not_mistaken_for_a_name(session: DuckDBPyConnection, tmp_path: Path) -> None:
    texts = ["a", 'a,"name":null', 'a","name":null', "a,", '{"name":null,', None]
    staged(session, tmp_path, *({"accession": "PX1.1", "isolateName": text} for text in texts))
    assert len(session.execute("SELECT DISTINCT annotation_hash FROM annotation_report").fetchall()) == len(texts)
