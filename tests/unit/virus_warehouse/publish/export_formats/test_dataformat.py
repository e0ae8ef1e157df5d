"""NCBI's table of records: headers, mnemonics, and values as `dataformat` writes them."""

from pathlib import Path

import duckdb
import pytest

from tests.support.snapshots import SnapshotMaker
from tests.support.warehouses import line
from virus_warehouse.publish.export import ExportError, Format, export
from virus_warehouse.publish.export_formats.dataformat import HEADERS, UnknownField
from virus_warehouse.sql_file import read_sql

OF_NEXTSTRAIN = {
    "accession": "Accession",
    "sourcedb": "Source database",
    "sra-accs": "SRA Accessions",
    "isolate-lineage": "Isolate Lineage",
    "geo-region": "Geographic Region",
    "geo-location": "Geographic Location",
    "isolate-collection-date": "Isolate Collection date",
    "release-date": "Release date",
    "update-date": "Update date",
    "length": "Length",
    "host-name": "Host Name",
    "isolate-lineage-source": "Isolate Lineage source",
    "bioprojects": "BioProjects",
    "biosample-acc": "BioSample accession",
    "submitter-names": "Submitter Names",
    "submitter-affiliation": "Submitter Affiliation",
    "virus-pangolin": "Virus Pangolin Classification",
}
"""The fields that Nextstrain's workflows ask for, and the headers by which they rename them."""

FULL = line(
    "PX1.2",
    bioprojects=["PRJNA1", "PRJNA2"],
    biosample="SAMN1",
    completeness="COMPLETE",
    geneCount=11,
    isAnnotated=True,
    isolate={"name": 'a "quoted"\tname', "source": "blood", "collectionDate": "2019-12"},
    host={"taxId": 9606, "organismName": "Homo sapiens", "infraspecificNames": {"sex": "female"}},
    location={"geographicLocation": "USA: Wisconsin, DANE County", "geographicRegion": "North America"},
    segment="L",
    sourceDatabase="GenBank",
    sraAccessions=["SRR1", "SRR2"],
    submitter={"names": ["Wu,F.", "Zhao,S."], "affiliation": "Fudan", "country": "China"},
)


def table(file: Path) -> list[dict[str, str]]:
    header, *rows = [text.split("\t") for text in file.read_text(encoding="utf-8").removesuffix("\n").split("\n")]
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_columns_of_the_view_are_the_known_mnemonics_in_order() -> None:
    with duckdb.connect() as connection:
        [view] = connection.extract_statements(read_sql("publish/sql/export/dataformat.sql"))
    written = [text.rpartition(' AS "')[2].rstrip('",') for text in view.query.splitlines() if ' AS "' in text]
    assert written == list(HEADERS) == sorted(HEADERS)
    assert HEADERS.items() >= OF_NEXTSTRAIN.items()


def test_values_are_written_as_ncbi_does(snapshot: SnapshotMaker, tmp_path: Path) -> None:
    [file] = export(snapshot(FULL, line("PX2.1")), tmp_path / "out", Format.DATAFORMAT)
    assert file == tmp_path / "out" / "virus_genome.tsv"
    full, bare = table(file)
    assert list(full) == list(HEADERS.values())
    assert {name: value for name, value in full.items() if value} == {
        "Accession": "PX1.2",
        "BioProjects": "PRJNA1,PRJNA2",
        "BioSample accession": "SAMN1",
        "Completeness": "COMPLETE",
        "Gene count": "11",
        "Geographic Location": "USA: Wisconsin, DANE County",
        "Geographic Region": "North America",
        "Host Infraspecific Names Sex": "female",
        "Host Name": "Homo sapiens",
        "Host Taxonomic ID": "9606",
        "Is Annotated": "true",
        "Isolate Collection date": "2019-12",
        "Isolate Lineage": 'a "quoted" name',
        "Isolate Lineage source": "blood",
        "Length": "197209",
        "Release date": "2025-04-01T00:00:00Z",
        "Segment": "L",
        "Source database": "GenBank",
        "SRA Accessions": "SRR1,SRR2",
        "Submitter Affiliation": "Fudan",
        "Submitter Country": "China",
        "Submitter Names": "Wu,F.,Zhao,S.",
        "Update date": "2025-05-01T00:00:00Z",
        "Virus Name": "Monkeypox virus",
        "Virus Taxonomic ID": "10244",
    }
    assert {name for name, value in bare.items() if value} == {
        "Accession",
        "Length",
        "Release date",
        "Update date",
        "Virus Name",
        "Virus Taxonomic ID",
    }


def test_fields_are_written_in_the_order_given(snapshot: SnapshotMaker, tmp_path: Path) -> None:
    fields = ["length", "accession", "sra-accs"]
    [file] = export(snapshot(FULL, line("PX2.1")), tmp_path / "out", Format.DATAFORMAT, fields=fields)
    assert file.read_text() == "Length\tAccession\tSRA Accessions\n197209\tPX1.2\tSRR1,SRR2\n197209\tPX2.1\t\n"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (["accession", "isolate"], "unknown field 'isolate'; the fields of dataformat are accession, bioprojects, "),
        ([""], "unknown field ''; the fields"),
        (["length", "length"], "each field once"),
        ([], "at least one"),
    ],
)
def test_wrong_fields_are_refused_with_the_list(
    snapshot: SnapshotMaker, tmp_path: Path, fields: list[str], reason: str
) -> None:
    with pytest.raises(UnknownField, match=reason):
        export(snapshot(FULL), tmp_path / "out", Format.DATAFORMAT, fields=fields)
    assert not (tmp_path / "out").exists()


def test_fields_of_another_format_are_refused(snapshot: SnapshotMaker, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="the format csv has no choice of fields; dataformat has"):
        export(snapshot(FULL), tmp_path / "out", Format.CSV, fields=["accession"])
