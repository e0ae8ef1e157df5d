"""The warehouse made anew from its archived packages equals the one that was lost."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.fake_ncbi import BadLine, FakeNcbi, Line, as_annotation
from tests.support.warehouses import migrated_file, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import IngestResult, ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.rebuild import RebuildError, rebuild
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.windows import WindowWish

MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"))
HUMAN_MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))
DENGUE = Source(name="dengue", request=VirusGenomeRequest(taxon="12637"))
FIRST_DAY = date(2025, 3, 1)

TABLES = (
    "virus_genome",
    "virus_genome_history",
    "taxon",
    "taxon_lineage",
    "virus_annotation",
    "virus_gene",
    "virus_protein",
    "biosample",
    "biosample_attribute",
    "ops.quarantine",
    "ops.schema_drift",
    "ops.census_missing",
    "ops.ingest_report",
    "ops.ingest_run",
)


class Followed:
    """Sources followed at a fake NCBI, whose runs leave an archive."""

    def __init__(self, ncbi: FakeNcbi, root: Path) -> None:
        self.ncbi = ncbi
        self.data = DataFolder(root)
        self.data.create()
        self.data.warehouse.write_bytes(migrated_file())

    def show(self, accession: str, day: int, *, length: int = 1, host: str | None = "human") -> None:
        self.ncbi.world.show(Line(accession, 1, FIRST_DAY + timedelta(days=day), length, None, host))

    def run(self, source: Source = MPOX, mode: str | None = None, **days: date) -> IngestResult:
        with DatasetsClient(self.ncbi.url, attempts=1) as client:
            warehouse = Warehouse(self.data.warehouse, lock_timeout=10)
            return ingest(source, client=client, warehouse=warehouse, data=self.data, wish=WindowWish(mode, **days))

    def package(self, result: IngestResult) -> Path:
        return self.data.packages / result.source / f"{result.run_id}.zip"

    def live_through_everything(self) -> list[IngestResult]:
        """Inserts, revisions, bad lines, drift, a window, missing, withdrawn and reinstated records, other filters.

        All with annotation and BioSamples.
        """
        world = self.ncbi.world
        world.annotates = True
        world.further = {"annotation_report": ["{", as_annotation(Line("PY1", 1, FIRST_DAY, 1, None, None))]}
        for number in range(12):
            self.show(f"PX{number}", number % 3, host="human" if number % 2 else None)
        world.strays.append((0, BadLine("{")))
        results = [self.run(), self.run(DENGUE)]
        self.show("PX1", 4, length=2)
        world.strays.append((0, BadLine('{"accession":"PX77.1","updateDate":"soon"}')))
        results.append(self.run())
        results.append(self.run(mode="window", since=FIRST_DAY, until=FIRST_DAY + timedelta(days=2)))
        gone = world.records.pop("PX2")
        results += [self.run(mode="census"), self.run(mode="census")]
        world.records["PX2"] = gone
        world.records.pop("PX3")
        results += [self.run(mode="census"), self.run(HUMAN_MPOX), self.run(DENGUE), self.run()]
        results.append(self.run(mode="replay"))
        return results


@pytest.fixture(scope="module")
def ncbi() -> Iterator[FakeNcbi]:
    with FakeNcbi() as server:
        yield server


@pytest.fixture
def followed(ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    ncbi.world = type(ncbi.world)()
    return Followed(ncbi, tmp_path / "data")


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that a warehouse says of committed runs."""
    return {
        table: query(path, f"FROM {table} {'WHERE status = $$success$$' if 'ingest_run' in table else ''} ORDER BY ALL")
        for table in TABLES
    }


def test_rebuilt_warehouse_equals_the_original(followed: Followed) -> None:
    results = followed.live_through_everything()
    original = content(followed.data.warehouse)
    ended_by = {row[0] for row in query(followed.data.warehouse, "SELECT ended_by FROM virus_genome_history")}
    assert ended_by == {"revision", "withdrawal", "filter"}
    assert [table for table in TABLES if not original[table] and table != "ops.schema_drift"] == []

    rebuilt = rebuild(followed.data, from_oldest=True)
    assert (rebuilt.gaps, rebuilt.differences, rebuilt.replaced) == ([], [], None)
    assert rebuilt.loads == [result.run_id for result in results]
    assert content(rebuilt.path) == original
    assert content(followed.data.warehouse) == original
    assert query(rebuilt.path, gates_sql()) == []
    assert list(followed.data.temporary.iterdir()) == []


def test_since_the_newest_full_package_rows_history_and_quarantine_are_equal(followed: Followed) -> None:
    results = followed.live_through_everything()
    full = results[9]
    assert (full.source, full.mode) == ("mpox", "full")
    followed.show("PX1", 6, length=3)
    followed.ncbi.world.strays.append((0, BadLine("[")))
    results.append(followed.run())
    rebuilt = rebuild(followed.data)
    assert rebuilt.loads[-3:] == [full.run_id, results[10].run_id, results[11].run_id]
    since = query(followed.data.warehouse, "SELECT ended_at FROM ops.ingest_run WHERE run_id = ?", full.run_id)[0][0]
    for sql in (
        "FROM virus_genome WHERE source = 'mpox' AND valid_from > ?",
        "SELECT * EXCLUDE (valid_from, run_id) FROM virus_genome WHERE source = 'mpox' AND valid_from <= ?",
        "SELECT accession, valid_to, ended_by FROM virus_genome_history WHERE source = 'mpox' AND valid_to > ?",
        "SELECT raw, last_run_id FROM ops.quarantine WHERE source = 'mpox' AND ?::TIMESTAMPTZ IS NOT NULL",
    ):
        told = [sorted(query(path, sql, since), key=repr) for path in (rebuilt.path, followed.data.warehouse)]
        assert told[0] == told[1] != []
    # The next run goes on from there.
    rebuild(followed.data, replace=True)
    assert followed.run().counts["unchanged"] > 0


def test_rebuilt_warehouse_takes_the_old_ones_place_only_when_asked(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    with duckdb.connect(followed.data.warehouse) as connection:
        connection.execute("DELETE FROM virus_genome")
    rebuild(followed.data)
    assert query(followed.data.warehouse, "FROM virus_genome") == []
    rebuilt = rebuild(followed.data, replace=True)
    assert len(query(followed.data.warehouse, "FROM virus_genome")) == 1
    assert rebuilt.replaced is not None
    assert query(rebuilt.replaced, "FROM virus_genome") == []
    assert not rebuilt.path.exists()


@pytest.mark.parametrize("loss", ["deleted", "not a database"])
def test_lost_warehouse_is_rebuilt(followed: Followed, loss: str) -> None:
    followed.live_through_everything()
    original = content(followed.data.warehouse)
    followed.data.warehouse.unlink()
    if loss == "not a database":
        followed.data.warehouse.write_bytes(b"rubbish" * 1000)
    rebuild(followed.data, replace=True, from_oldest=True)
    assert content(followed.data.warehouse) == original


def test_runs_that_committed_meanwhile_keep_the_old_file_in_place(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.show("PX1", 1)
    followed.run()
    recorded = followed.data.packages / "mpox" / "loads"
    before = shutil.copytree(recorded, recorded.with_name("before"))
    late = followed.run()
    shutil.rmtree(recorded)
    before.rename(recorded)
    with pytest.raises(RebuildError, match=rf"has runs that it lacks: {late.run_id}\. .*Pause the DAGs"):
        rebuild(followed.data, replace=True)
    # The next run tells the archive what this one could not.
    followed.run()
    assert late.run_id in rebuild(followed.data).loads


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_package_that_cannot_be_used_is_named_with_what_it_means(followed: Followed, fault: str) -> None:
    followed.show("PX1", 1)
    first = followed.run()
    followed.show("PX2", 2)
    second = followed.run()
    followed.show("PX3", 3)
    followed.run()
    package = followed.package(second)
    if fault == "missing":
        package.unlink()
    else:
        package.write_bytes(package.read_bytes()[:-30])
    rebuilt = rebuild(followed.data)
    [gap] = rebuilt.gaps
    assert (gap.source, gap.run_id) == ("mpox", second.run_id)
    assert fault in gap.reason
    assert f"rebuilt up to run {first.run_id} (watermark 2025-03-02)" in gap.meaning
    assert query(rebuilt.path, "SELECT accession FROM virus_genome") == [("PX1",)]
    with pytest.raises(RebuildError, match=r"it lacks loads.*states in between are lost"):
        rebuild(followed.data, replace=True)
    # Nothing is lost for good: from that watermark NCBI is asked again.
    rebuilt.path.replace(followed.data.warehouse)
    assert followed.run().counts["inserted"] == 2


def test_damaged_full_package_sends_back_to_the_one_before(followed: Followed) -> None:
    followed.show("PX1", 1)
    first = followed.run()
    followed.show("PX2", 2)
    second = followed.run(mode="full")
    followed.package(second).write_bytes(b"PK")
    rebuilt = rebuild(followed.data)
    assert rebuilt.loads == [first.run_id]
    assert [gap.run_id for gap in rebuilt.gaps] == [second.run_id]
    followed.package(first).unlink()
    with pytest.raises(RebuildError, match=r"nothing to rebuild from: mpox: .*its next run loads it in full"):
        rebuild(followed.data)


def test_empty_archive_has_nothing_to_rebuild_from(followed: Followed) -> None:
    with pytest.raises(RebuildError, match="holds no record of a load"):
        rebuild(followed.data)


def test_difference_in_reading_is_told(followed: Followed) -> None:
    followed.show("PX1", 1)
    run = followed.run()
    record = followed.data.packages / "mpox" / "loads" / f"{run.run_id}.json"
    record.write_text(record.read_text().replace('"inserted": 1', '"inserted": 2'))
    assert rebuild(followed.data).differences == [f"mpox: run {run.run_id}: inserted 1 instead of 2"]


def test_command_tells_what_came_of_it(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    script = Path(__file__).parents[2] / "scripts" / "rebuild.py"
    environment = {"VIRUS_DATA": str(followed.data.root), "PYTHONPATH": str(script.parents[1] / "include")}
    told = [
        subprocess.run([sys.executable, script, *arguments], env=environment, capture_output=True, text=True)
        for arguments in ([], ["--replace"])
    ]
    assert [run.returncode for run in told] == [0, 0], told
    assert "1 loads repeated." in told[0].stdout
    assert "the old one is untouched" in told[0].stdout
    assert "The rebuilt warehouse is in place" in told[1].stdout
