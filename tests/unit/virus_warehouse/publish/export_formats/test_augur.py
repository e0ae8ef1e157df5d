"""Nextstrain's files: unique strains that augur takes, dates with XX, sequences by segment."""

import itertools
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.made_up_sequences import Sequences
from tests.support.snapshots import SnapshotMaker
from tests.support.warehouses import line, lineage
from virus_warehouse.publish.export import Format, export
from virus_warehouse.publish.export_formats import augur
from virus_warehouse.sql_file import run_sql

STRAIN = re.compile(r"[\w./+=~@-]+")

INFLUENZA = {
    "taxId": 11320,
    "organismName": "Influenza A virus",
    "lineage": lineage((197911, "Alphainfluenzavirus"), (11320, "Influenza A virus")),
}
BUNYA = {"taxId": 1, "organismName": "A virus", "lineage": lineage((1, "A virus"))}


@pytest.fixture
def sequences(monkeypatch: pytest.MonkeyPatch) -> Sequences:
    return Sequences.instead_of_the_store(monkeypatch)


def metadata(folder: Path) -> dict[str, dict[str, str]]:
    """The rows by accession, as the simplest reader sees them."""
    lines = (folder / "metadata.tsv").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    header, *rows = [text.split("\t") for text in lines]
    return {row[1]: dict(zip(header, row, strict=True)) for row in rows}


def column(snapshot: Path, folder: Path, name: str) -> list[str]:
    export(snapshot, folder, Format.AUGUR)
    return [row[name] for row in metadata(folder).values()]


def isolate(name: str | None, day: str | None = None) -> dict[str, str]:
    return {key: value for key, value in (("name", name), ("collectionDate", day)) if value is not None}


def test_row_has_what_nextstrain_needs(snapshot: SnapshotMaker, sequences: Sequences, tmp_path: Path) -> None:
    record = line(
        "PX1.2",
        bioprojects=["PRJNA1"],
        biosample="SAMN1",
        completeness="COMPLETE",
        isLabHost=True,
        isolate={"name": 'USA/CA-1 "b"\t(2019)', "source": "skin", "collectionDate": "2019-12"},
        host={"taxId": 9606, "organismName": "Homo sapiens"},
        location={"geographicLocation": "USA: Wisconsin, DANE County", "geographicRegion": "North America"},
        sourceDatabase="GenBank",
        sraAccessions=["SRR1", "SRR2"],
        submitter={"names": ["Wu,F.", "Zhao,S."], "affiliation": 'The "Lab"\nof Fudan', "country": "China"},
    )
    export(snapshot(record), tmp_path / "out", Format.AUGUR)
    assert metadata(tmp_path / "out")["PX1"] == {
        "strain": "USA/CA-1_b_2019",
        "accession": "PX1",
        "accession_version": "PX1.2",
        "date": "2019-12-XX",
        "region": "North America",
        "country": "USA",
        "division": "Wisconsin",
        "location": "DANE County",
        "host": "Homo sapiens",
        "virus": "Monkeypox virus",
        "lineage": "",
        "segment": "",
        "length": "197209",
        "completeness": "COMPLETE",
        "is_lab_host": "true",
        "is_vaccine_strain": "false",
        "isolate": "USA/CA-1 'b' (2019)",
        "sample_type": "skin",
        "authors": "Wu,F., Zhao,S.",
        "abbr_authors": "Wu et al.",
        "institution": "The 'Lab' of Fudan",
        "submitter_country": "China",
        "date_released": "2025-04-01",
        "date_updated": "2025-05-01",
        "database": "GenBank",
        "url": "https://www.ncbi.nlm.nih.gov/nuccore/PX1.2",
        "geo_loc_name": "USA: Wisconsin, DANE County",
        "virus_tax_id": "10244",
        "host_tax_id": "9606",
        "biosample_accessions": "SAMN1",
        "sra_accessions": "SRR1,SRR2",
        "bioproject_accessions": "PRJNA1",
    }


DATES = [
    ("2019-12-31", "2019-12-31"),
    ("2019-12", "2019-12-XX"),
    ("2019", "2019-XX-XX"),
    ("0212-02-01", "0212-02-01"),
    ("2019-11/2020-01", "2019-11-01/2020-01-31"),
    ("2019-01-01/2019-12-31", "2019-XX-XX"),
    ("2020-02-01/2020-02-29", "2020-02-XX"),
    ("unknown", "XXXX-XX-XX"),
    (None, "XXXX-XX-XX"),
]


def test_dates_have_xx_for_what_is_not_known(snapshot: SnapshotMaker, tmp_path: Path) -> None:
    lines = [line(f"PX{number}.1", isolate=isolate("a", day)) for number, (day, _) in enumerate(DATES)]
    assert column(snapshot(*lines), tmp_path / "out", "date") == [written for _, written in DATES]


def test_strain_is_the_isolate_made_unique_where_it_is_shared(snapshot: SnapshotMaker, tmp_path: Path) -> None:
    names = ["alone", "shared", "shared", None, "missing", "PX000004", "shared/PX000002", "sha red", "sha,red", "[ ]"]
    lines = [line(f"PX{number:06d}.1", isolate=isolate(name)) for number, name in enumerate(names, 1)]
    assert column(snapshot(*lines), tmp_path / "out", "strain") == [
        "alone",
        "shared/PX000002",
        "shared/PX000003",
        "PX000004",
        "PX000005",
        "PX000004/PX000006",
        "shared/PX000002/PX000007",
        "sha_red/PX000008",
        "sha_red/PX000009",
        "PX000010",
    ]


def test_strains_are_unique_whatever_the_isolates_are_called(snapshot: SnapshotMaker) -> None:
    """Every three names of eight, most of which look like names that are made unique."""
    names = [None, "a{0}", "(a{0})", "a{0}/A{0}N1", "A{0}N1", "A{0}N2", "a{0}/A{0}N1/A{0}N2", "a{0}/A{0}N2/A{0}N1"]
    rows = [
        (f"A{case}N{number}", name and name.format(case))
        for case, choice in enumerate(itertools.product(names, repeat=3))
        for number, name in enumerate(choice, 1)
    ]
    with duckdb.connect(snapshot(line("PX1.1")), read_only=True) as connection:
        connection.execute("CREATE TEMP TABLE given AS SELECT unnest($1) AS name", [rows])
        connection.execute("CREATE TEMP MACRO one_line(value) AS value")
        connection.execute("CREATE TEMP TABLE selected AS FROM virus_genome LIMIT 0")
        connection.execute(
            "INSERT INTO selected BY NAME SELECT 'mpox' AS source, name[1] AS accession, 1 AS version, name[1] AS "
            "accession_version, name[2] AS isolate_name, 'live' AS status, now() AS valid_from, 'r' AS run_id "
            "FROM given"
        )
        run_sql(connection, "publish/sql/export/augur.sql")
        strains = [strain for (strain,) in connection.execute("SELECT strain FROM augur_record").fetchall()]
    assert len(set(strains)) == len(strains) == len(rows) == 3 * 8**3
    assert all(STRAIN.fullmatch(strain) for strain in strains)


def test_sequences_have_the_strains_names_and_missing_ones_are_counted(
    snapshot: SnapshotMaker, sequences: Sequences, tmp_path: Path
) -> None:
    sequences.without = {"PX2.1"}
    warnings: list[str] = []
    lines = [line(f"PX{number}.1", isolate=isolate(f"isolate {number}")) for number in (1, 2, 3)]
    files = export(snapshot(*lines), tmp_path / "out", Format.AUGUR, warn=warnings.append)
    assert [file.name for file in files] == ["metadata.tsv", "sequences.fasta"]
    assert re.findall(r"^>.*", files[1].read_text(), re.MULTILINE) == [">isolate_1", ">isolate_3"]
    assert len(metadata(tmp_path / "out")) == 3
    assert warnings == ["1 of 3 records without a sequence: in metadata.tsv only."]


def segmented(accession: str, segment: str | None, virus: dict[str, Any]) -> str:
    return line(accession, segment=segment, virus=virus, isolate=isolate("an isolate"))


def test_each_segment_has_its_file(snapshot: SnapshotMaker, sequences: Sequences, tmp_path: Path) -> None:
    lines = [
        segmented("PX1.1", "4", INFLUENZA),
        segmented("PX2.1", "segment HA", INFLUENZA),
        segmented("PX3.1", "06", INFLUENZA),
        segmented("PX4.1", "RNA 1", BUNYA),
        segmented("PX5.1", "DNA-A/../x", BUNYA),
        segmented("PX6.1", "ANONYMOUS", BUNYA),
        segmented("PX7.1", None, BUNYA),
        segmented("PX8.1", "é", BUNYA),
    ]
    files = export(snapshot(*lines), tmp_path / "out", Format.AUGUR)
    found = {file.name: re.findall(r"^>.*/(\w+)$", file.read_text(), re.MULTILINE) for file in files[1:]}
    assert found == {
        "sequences.fasta": ["PX6", "PX7", "PX8"],
        "sequences_1.fasta": ["PX4"],
        "sequences_dna_a_x.fasta": ["PX5"],
        "sequences_ha.fasta": ["PX1", "PX2"],
        "sequences_na.fasta": ["PX3"],
    }
    segments = [row["segment"] for row in metadata(tmp_path / "out").values()]
    assert segments == ["HA", "HA", "NA", "1", "DNA_A_X", "", "", ""]


def test_nothing_selected_is_said_and_gives_headers_only(
    snapshot: SnapshotMaker, sequences: Sequences, tmp_path: Path
) -> None:
    warnings: list[str] = []
    files = export(snapshot(line("PX1.1")), tmp_path / "out", Format.AUGUR, where="false", warn=warnings.append)
    assert [file.name for file in files] == ["metadata.tsv", "sequences.fasta"]
    assert metadata(tmp_path / "out") == {}
    assert warnings == ["No record was selected: the files have headers only."]


def test_failed_export_keeps_the_previous_files(
    snapshot: SnapshotMaker, sequences: Sequences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = snapshot(line("PX1.1"))
    before = {file: file.stat().st_ino for file in export(published, tmp_path / "out", Format.AUGUR)}

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(augur, "write_fasta", fails)
    with pytest.raises(Exception, match="is full"):
        export(published, tmp_path / "out", Format.AUGUR)
    assert {file: file.stat().st_ino for file in (tmp_path / "out").iterdir()} == before
