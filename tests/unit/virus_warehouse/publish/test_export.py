"""The snapshot exported to files: complete, readable without DuckDB, and never partial."""

import csv
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.nested_lines import annotation, sample
from tests.support.warehouses import DENGUE, MPOX, Store, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import export as export_module
from virus_warehouse.publish.export import ExportError, Format, export
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import SourcesFile, UnknownSource

OF_A_SOURCE = {
    "virus_genome",
    "virus_genome_history",
    "virus_annotation",
    "virus_gene",
    "virus_protein",
    "biosample",
    "biosample_attribute",
}
SHARED = {"taxon", "taxon_lineage", "_about"}
TABLES = Format.PARQUET, Format.CSV


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = DataFolder(tmp_path_factory.mktemp("data"))
    data.create()
    store = Store(data.root)
    strange = 'one "quoted", two\nlines; a tab\t and Ünïcode'
    store.load(
        line("PX1.1", biosample="SAMN1", bioprojects=["PRJNA1", "PRJNA2"], isolate={"name": strange}),
        line("PX2.1", virus={"taxId": 10244, "organismName": "Monkeypox virus", "infraspecificNames": {"strain": "Z"}}),
        annotation=[annotation("PX1.1", "A")],
        biosamples=[sample("SAMN1", attributes=[{"name": "host", "value": "missing"}])],
    )
    store.load(
        line("PX1.2", biosample="SAMN1", bioprojects=["PRJNA1", "PRJNA2"], isolate={"name": strange}),
        annotation=[annotation("PX1.2", "A")],
    )
    store.load(line("PX1.1"), source=DENGUE)
    followed = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX, DENGUE.name: DENGUE})
    publish(store.warehouse, data, followed, ["quarantine_share"])
    return data.snapshot


def names(files: list[Path], folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in files}


@pytest.mark.slow
@pytest.mark.parametrize("file_format", TABLES)
def test_every_table_has_its_file_by_source(snapshot: Path, tmp_path: Path, file_format: Format) -> None:
    files = export(snapshot, tmp_path / "new" / "export", file_format)
    expected = {f"{source}/{table}.{file_format}" for source in ("mpox", "dengue") for table in OF_A_SOURCE}
    assert names(files, tmp_path / "new" / "export") == expected | {f"{table}.{file_format}" for table in SHARED}
    assert {file for file in (tmp_path / "new" / "export").rglob("*") if file.is_file()} == set(files)


def test_all_tables_of_main_are_exported(snapshot: Path) -> None:
    tables = query(snapshot, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'")
    assert {table for (table,) in tables} == OF_A_SOURCE | SHARED


@pytest.mark.slow
def test_parquet_content_equals_the_snapshot(snapshot: Path, tmp_path: Path) -> None:
    export(snapshot, tmp_path)
    for source in ("mpox", "dengue"):
        for table in OF_A_SOURCE:
            json_as_text = "* REPLACE (virus_infraspecific_names::VARCHAR AS virus_infraspecific_names)"
            shown = json_as_text if table.startswith("virus_genome") else "*"
            held = query(snapshot, f"SELECT {shown} FROM {table} WHERE source = '{source}' ORDER BY ALL")
            assert read(f"FROM '{tmp_path}/{source}/{table}.parquet' ORDER BY ALL") == held
    for table in SHARED:
        assert read(f"FROM '{tmp_path}/{table}.parquet' ORDER BY ALL") == query(snapshot, f"FROM {table} ORDER BY ALL")


def read(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def test_one_source_can_be_exported_alone_leaving_the_other_unchanged(snapshot: Path, tmp_path: Path) -> None:
    export(snapshot, tmp_path)
    before = {file: file.stat().st_ino for file in tmp_path.glob("*/*.parquet")}
    files = export(snapshot, tmp_path, source="dengue")
    assert names(files, tmp_path) == {f"dengue/{table}.parquet" for table in OF_A_SOURCE} | {
        f"{table}.parquet" for table in SHARED
    }
    assert {file.parent.name for file, inode in before.items() if file.stat().st_ino != inode} == {"dengue"}


def test_csv_is_read_by_any_reader(snapshot: Path, tmp_path: Path) -> None:
    export(snapshot, tmp_path, Format.CSV)
    with (tmp_path / "mpox" / "virus_genome.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["accession"]: row for row in csv.DictReader(file)}
    (isolate,) = query(snapshot, "SELECT isolate_name FROM virus_genome WHERE version = 2")[0]
    assert rows["PX1"]["isolate_name"] == isolate
    assert json.loads(rows["PX1"]["bioprojects"]) == ["PRJNA1", "PRJNA2"]
    assert json.loads(rows["PX2"]["virus_infraspecific_names"]) == {"strain": "Z"}
    assert rows["PX2"]["bioprojects"] == ""
    assert rows["PX1"]["valid_from"] == "2025-06-01 08:00:00+00"
    with (tmp_path / "mpox" / "virus_protein.csv").open(newline="", encoding="utf-8") as file:
        ranges = {row["kind"]: row["nucleotide_ranges"] for row in csv.DictReader(file)}
    [nucleotide_range] = json.loads(ranges["coding_region"])
    assert (nucleotide_range["begin"], nucleotide_range["end"]) == (1, 9)


@pytest.mark.slow
@pytest.mark.parametrize("file_format", TABLES)
def test_pandas_reads_them(snapshot: Path, tmp_path: Path, file_format: Format) -> None:
    pandas = pytest.importorskip("pandas")
    if file_format is Format.PARQUET:
        pytest.importorskip("pyarrow")
    reader = {Format.PARQUET: pandas.read_parquet, Format.CSV: pandas.read_csv}[file_format]
    files = export(snapshot, tmp_path, file_format)
    for file in files:
        assert len(reader(file)) == count(snapshot, file, tmp_path)
    genomes = reader(tmp_path / "mpox" / f"virus_genome.{file_format}").set_index("accession")
    lists = genomes.loc["PX1", "bioprojects"]
    assert list(lists if file_format is Format.PARQUET else json.loads(lists)) == ["PRJNA1", "PRJNA2"]
    assert json.loads(genomes.loc["PX2", "virus_infraspecific_names"]) == {"strain": "Z"}
    if file_format is Format.PARQUET:
        assert genomes.loc["PX1", "valid_from"] == datetime(2025, 6, 1, 8, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.parametrize("file_format", TABLES)
def test_polars_reads_them(snapshot: Path, tmp_path: Path, file_format: Format) -> None:
    polars = pytest.importorskip("polars")
    reader = {Format.PARQUET: polars.read_parquet, Format.CSV: polars.read_csv}[file_format]
    files = export(snapshot, tmp_path, file_format)
    for file in files:
        assert len(reader(file)) == count(snapshot, file, tmp_path)
    genomes = {row["accession"]: row for row in reader(tmp_path / "mpox" / f"virus_genome.{file_format}").to_dicts()}
    lists = genomes["PX1"]["bioprojects"]
    assert (lists if file_format is Format.PARQUET else json.loads(lists)) == ["PRJNA1", "PRJNA2"]
    assert json.loads(genomes["PX2"]["virus_infraspecific_names"]) == {"strain": "Z"}
    if file_format is Format.PARQUET:
        assert genomes["PX1"]["valid_from"] == datetime(2025, 6, 1, 8, tzinfo=UTC)


def count(snapshot: Path, file: Path, folder: Path) -> int:
    source = file.parent.name
    where = f"WHERE source = '{source}'" if file.parent != folder else ""
    return int(query(snapshot, f"SELECT count(*) FROM {file.stem} {where}")[0][0])


def test_unrelated_files_are_left_alone(snapshot: Path, tmp_path: Path) -> None:
    (tmp_path / "mpox").mkdir()
    mine = [tmp_path / "notes.txt", tmp_path / "mpox" / "figure.png"]
    for file in mine:
        file.write_text("mine")
    export(snapshot, tmp_path)
    export(snapshot, tmp_path)
    assert [file.read_text() for file in mine] == ["mine", "mine"]


def test_failed_export_keeps_the_previous_files(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file: file.stat().st_ino for file in export(snapshot, tmp_path)}
    synced = os.fsync

    def fail_at_the_last(file: int) -> None:
        synced(file)
        if Path(f"/proc/self/fd/{file}").readlink().name == "virus_protein.parquet":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_module.os, "fsync", fail_at_the_last)
    with pytest.raises(Exception, match="is full"):
        export(snapshot, tmp_path)
    assert {file: file.stat().st_ino for file in tmp_path.rglob("*") if file.is_file()} == before
    assert not list(tmp_path.glob(".*"))


def test_files_are_not_accessible_to_others(snapshot: Path, tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        files = export(snapshot, tmp_path / "export")
    finally:
        os.umask(umask)
    assert {stat.S_IMODE(file.stat().st_mode) & 0o007 for file in files} == {0}
    assert stat.S_IMODE((tmp_path / "export" / "mpox").stat().st_mode) & 0o007 == 0


def test_unknown_source_error_lists_the_available_sources(snapshot: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownSource, match=r"no source 'flu'; it has dengue, mpox"):
        export(snapshot, tmp_path, source="flu")
    assert list(tmp_path.iterdir()) == []


def test_missing_snapshot_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        ExportError, match=r"Nothing is published as .* yet\. `virus-warehouse run SOURCE` loads and publishes"
    ):
        export(tmp_path / "virus.duckdb", tmp_path / "export")


def test_file_given_as_folder_is_reported(snapshot: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="name another with --to FOLDER"):
        export(snapshot, tmp_path / "file")
