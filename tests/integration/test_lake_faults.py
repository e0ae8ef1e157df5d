"""What only a lake can suffer: its catalog stops, a connection is cut, its disk is full, its files are gone.

In every case nothing is half written, the error says what to do, and the next run has what an undisturbed one has.
"""

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import Followed
from tests.support.lakes import (
    DUCKDB,
    LOCK_HOLDERS,
    NEEDS_LAKES,
    catalog_url,
    copy_lake,
    end_connections,
    new_database,
    new_lake,
)
from tests.support.postgres import Server, postgres_server
from tests.support.seeds import session_seed
from tests.support.small_disk import empty, fill, read_only, small_disk
from tests.support.tiers import some_of
from tests.support.warehouses import dicts, query
from virus_warehouse import ingest
from virus_warehouse.failure import Failure
from virus_warehouse.run_file import read_state
from virus_warehouse.shortage import DiskFull
from virus_warehouse.warehouse.connection import CommitFailed, Warehouse
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_catalog import CatalogUnavailable
from virus_warehouse.warehouse.lake_errors import LakeFilesUnusable
from virus_warehouse.warehouse.lake_lock import LockLost
from virus_warehouse.warehouse.lake_storage import LakeStorage

pytestmark = [pytest.mark.slow, NEEDS_LAKES, pytest.mark.usefixtures("small_loads")]

HELD = "SELECT accession, length FROM virus_genome ORDER BY ALL"
ENDED = "SELECT accession, length, ended_by FROM virus_genome_history ORDER BY ALL"
SUCCESSES = "SELECT count(*) FROM ops.ingest_run WHERE status = 'success'"
YESTERDAY = [(f"PX{number}", 1) for number in range(6)]
TODAY = [("PX0", 2), *YESTERDAY[1:], ("PX9", 1)]
LONG_CUTS = 100

Act = Callable[[], object]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as running:
        yield running


class Lake(Followed):
    """A source whose warehouse is in a lake with yesterday's records; today there are others."""

    def __init__(self, ncbi: FakeNcbi, root: Path, address: LakeAddress) -> None:
        super().__init__(ncbi, root, LakeStorage(address))
        self.address = address

    @property
    def state(self) -> tuple[list[Any], list[Any]]:
        return query(self.address, HELD), query(self.address, ENDED)

    @property
    def last_row(self) -> dict[str, Any]:
        return dicts(self.address, "FROM ops.ingest_run ORDER BY started_at DESC LIMIT 1")[0]

    @property
    def files(self) -> list[Path]:
        """The files of its largest table."""
        return sorted((Path(self.address.data_path) / "main" / "virus_genome").iterdir())

    def publish(self, copy: Path) -> None:
        """Copy it, as a publication does."""
        with self.warehouse.unchanging() as state:
            state.copy_to(copy)

    def assert_unchanged(self, failure: BaseException) -> None:
        """Yesterday's records are there, and the failure is recorded."""
        assert self.state == (YESTERDAY, [])
        row = self.last_row
        assert (row["status"], row["error"]) == ("failed", f"{type(failure).__name__}: {failure}")
        assert self.address.password not in str(failure)

    def assert_next_run_catches_up(self) -> None:
        self.run()
        assert self.state == (TODAY, [("PX0", 1, "revision")])
        runs = dicts(self.address, "FROM ops.ingest_run ORDER BY started_at")
        assert {row["status"] for row in runs[1:-1]} <= {"failed"}
        assert runs[-1]["status"] == "success"


@pytest.fixture(scope="module")
def loaded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> LakeAddress:
    """A lake with yesterday's records."""
    folder = tmp_path_factory.mktemp("loaded")
    address = new_lake(new_database(catalog_url(server.url)), folder)
    with FakeNcbi() as ncbi:
        lake = Lake(ncbi, folder / "data", address)
        for accession, length in YESTERDAY:
            lake.show(accession, 0, length=length)
        lake.run()
        assert lake.state == (YESTERDAY, [])
    return address


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of the lake's files."""
    return tmp_path / "disk"


@pytest.fixture
def lake(ncbi: FakeNcbi, loaded: LakeAddress, place: Path, tmp_path: Path) -> Lake:
    lake = Lake(ncbi, tmp_path / "data", copy_lake(loaded, place))
    ncbi.world.records.clear()
    for accession, length in TODAY:
        lake.show(accession, int(length > 1 or accession == "PX9"), length=length)
    return lake


def before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Act, *, call: int = 1) -> None:
    """Act before a function is called for the first time, or another one."""
    function, calls = getattr(owner, name), []

    def called(*args: Any, **kwargs: Any) -> Any:
        calls.append(None)
        if len(calls) == call:
            act()
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, called)


MOMENTS: dict[str, Callable[[pytest.MonkeyPatch, Act], None]] = {
    "when the run is opened": lambda patch, act: before(patch, ingest, "plan_window", act),
    "before the merge": lambda patch, act: before(patch, ingest, "load_reports", act),
    "within the merge": lambda patch, act: before(patch, ingest.ledger, "update", act),
    "right before the commit": lambda patch, act: before(patch, Warehouse, "_commit", act, call=2),
}


class TestCatalog:
    @pytest.mark.parametrize("moment", some_of(MOMENTS, one_in=4, first=3))
    def test_a_cut_connection_fails_the_run_and_changes_nothing(self, lake, monkeypatch, moment):
        with monkeypatch.context() as patch:
            MOMENTS[moment](patch, lambda: end_connections(lake.address, DUCKDB))
            with pytest.raises(Failure) as failed:
                lake.run()
        assert type(failed.value) is (CommitFailed if moment == "right before the commit" else CatalogUnavailable)
        assert "Look into the log of PostgreSQL for the reason, and run it again" in str(failed.value)
        lake.assert_unchanged(failed.value)
        lake.assert_next_run_catches_up()

    @pytest.mark.long  # `test_lake_guards.py` has the short form
    @pytest.mark.parametrize("moment", MOMENTS)
    def test_a_lost_lock_fails_the_run_unless_it_has_been_checked(self, lake, monkeypatch, moment):
        with monkeypatch.context() as patch:
            MOMENTS[moment](patch, lambda: end_connections(lake.address, LOCK_HOLDERS))
            if moment == "right before the commit":
                lake.run()
                assert lake.state[0] == TODAY
                return
            with pytest.raises(LockLost, match="nothing was committed") as failed:
                lake.run()
        lake.assert_unchanged(failed.value)
        lake.assert_next_run_catches_up()

    @pytest.mark.parametrize("moment", some_of(MOMENTS, one_in=4, first=1))
    def test_a_stopped_server_fails_the_run_and_the_next_one_records_it(
        self, lake, server, monkeypatch, caplog, moment
    ):
        try:
            with monkeypatch.context() as patch:
                MOMENTS[moment](patch, server.stop)
                with pytest.raises(Failure) as failed:
                    lake.run()
            with pytest.raises(CatalogUnavailable, match="Start PostgreSQL"):
                lake.run()
        finally:
            server.start()
        states = [read_state(path) for path in lake.data.runs.glob("*.json")]
        assert lake.address.password not in f"{failed.value} {states} {caplog.text}"
        assert lake.state == (YESTERDAY, [])
        lake.assert_next_run_catches_up()
        assert {state["status"] for path in lake.data.runs.glob("*.json") if (state := read_state(path))} == {
            "failed",
            "success",
        }

    @pytest.mark.long
    @pytest.mark.timeout(0)
    def test_connections_cut_at_random_moments_leave_nothing_half_written(self, lake):
        """What a run says of its commit is what the ledger says, and what the records are."""
        chosen, successes, held = random.Random(session_seed()), 0, YESTERDAY
        for number in range(LONG_CUTS):
            length = number + 3
            lake.show("PX0", number + 2, length=length)
            ended = threading.Event()
            cutting = threading.Thread(target=cut_after, args=(lake, chosen.uniform(0, 2), ended))
            cutting.start()
            try:
                lake.run()
            except Failure:
                pass
            else:
                successes, held = successes + 1, [("PX0", length), *TODAY[1:]]
            finally:
                ended.set()
                cutting.join(60)
            assert query(lake.address, SUCCESSES) == [(successes + 1,)]
            assert lake.state[0] == held
            assert len(lake.state[1]) == successes
        print(f"{successes} of {LONG_CUTS} runs committed")  # noqa: T201
        lake.run()
        assert query(lake.address, "SELECT run_id FROM ops.ingest_run WHERE status = 'running'") == []


def cut_after(lake: Lake, seconds: float, ended: threading.Event) -> None:
    """Cut the connections of a run when it has worked for this long."""
    ended.wait(seconds)
    end_connections(lake.address, "%")


class TestFiles:
    @pytest.fixture
    @staticmethod
    def place(tmp_path: Path) -> Iterator[Path]:
        """A disk that a test can fill; the data folder is on another one."""
        with small_disk(tmp_path / "disk", 24) as disk:
            yield disk

    def test_a_full_disk_is_named_and_changes_nothing(self, lake, place):
        fill(place, leave=0)
        with pytest.raises(DiskFull, match=f"the disk of {place}/lake, the data_path of the lake, is full") as failed:
            lake.run()
        empty(place)
        assert lake.state == (YESTERDAY, [])
        assert "Free some space" in str(failed.value)
        lake.assert_next_run_catches_up()

    @pytest.mark.long
    def test_files_that_cannot_be_written_are_named_and_nothing_changes(self, lake, place):
        with read_only(place):
            with pytest.raises(LakeFilesUnusable, match=f"Make {place}/lake readable and writable"):
                lake.run()
            assert lake.state == (YESTERDAY, [])
        lake.assert_next_run_catches_up()

    @pytest.mark.parametrize("kind", some_of(["of records", "of deleted rows"], one_in=2, first=1))
    def test_a_missing_file_is_named_by_all_who_read_it(self, lake, tmp_path, kind):
        lake.run()
        file = next(file for file in lake.files if ("delete" in file.name) == (kind == "of deleted rows"))
        aside = shutil.move(file, tmp_path / file.name)
        with pytest.raises(duckdb.IOException, match=file.name):
            query(lake.address, HELD)
        for read in (lake.run, lambda: lake.publish(tmp_path / "copy.duckdb")):
            with pytest.raises(LakeFilesUnusable, match=f"restore the file .* back-up, or rebuild .*{file.name}"):
                read()
        shutil.move(aside, file)
        lake.run()
        assert lake.state[0] == TODAY
