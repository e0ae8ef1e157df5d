"""Days of a backfill that Airflow starts together in any order: one download, and no endless wait."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support import packages
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.waiting import until
from tests.support.warehouses import line, made_data, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_mode import WINDOW
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.window_order import (
    SILENT,
    STARTING,
    DayOfBackfill,
    EarlierDay,
    EarlierDayFirst,
    let_earlier_day_fetch_first,
)
from virus_warehouse.windows import Window, WindowRequest

pytestmark = pytest.mark.slow  # each test runs several windows

MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"))
FIRST = date(2025, 5, 1)
PATIENCE = 120
LINES = [line(f"PX{number}.1", str(FIRST + timedelta(days=number))) for number in range(4)]


def run_id(number: int) -> str:
    return f"backfill__{number}"


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return made_data(tmp_path / "data")


@pytest.fixture
def ncbi():
    with ScriptedServer(*[Answer(body=packages.package(LINES))] * 4) as server:
        yield server


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def load(data: DataFolder, ncbi: ScriptedServer, number: int, earlier_day: EarlierDay | None = None) -> IngestResult:
    since = FIRST + timedelta(days=number)
    with DatasetsClient(ncbi.url, None, attempts=1) as client:
        return ingest(
            MPOX,
            client=client,
            warehouse=Warehouse(data.warehouse, lock_timeout=PATIENCE),
            data=data,
            origin=RunOrigin("ncbi_virus_ingest__mpox", run_id(number), "backfill", 1),
            wish=WindowRequest(since=since, until=since + timedelta(days=1)),
            earlier_day=earlier_day,
        )


def running_day(number: int, ago: timedelta = timedelta()) -> EarlierDay:
    """Airflow's answer about this day, for the day after it."""
    day = DayOfBackfill(run_id(number), datetime.now(UTC) - ago)
    return lambda: day


def nothing_runs() -> None:
    """Airflow's answer for the first day."""


def requested_since(ncbi: ScriptedServer) -> list[str]:
    return [dict(request.query)["updated_since"][:10] for request in ncbi.requests]


def test_days_started_in_reverse_wait_for_the_first(data: DataFolder, ncbi: ScriptedServer) -> None:
    for number in (3, 2, 1):
        with pytest.raises(EarlierDayFirst, match=run_id(number - 1)):
            load(data, ncbi, number, running_day(number - 1))
    assert (ncbi.requests, list(data.runs.iterdir())) == ([], []), "nothing is requested or recorded"
    days = [load(data, ncbi, number, running_day(number - 1) if number else nothing_runs) for number in range(4)]
    assert [day.counts["inserted"] for day in days] == [1] * 4
    assert requested_since(ncbi) == [str(FIRST)]
    assert query(data.warehouse, "SELECT sum(attempts), count(*) FROM ops.ingest_run") == [(1, 4)]


def test_a_day_whose_run_has_ended_is_not_waited_for(data: DataFolder, ncbi: ScriptedServer) -> None:
    earlier = running_day(0)
    load(data, ncbi, 0)
    remove_sidecars(data)
    load(data, ncbi, 1, earlier)
    assert requested_since(ncbi) == [str(FIRST), str(FIRST + timedelta(days=1))]


def test_day_that_runs_again_is_waited_for(data: DataFolder, ncbi: ScriptedServer) -> None:
    load(data, ncbi, 0)
    remove_sidecars(data)
    loaded = datetime.now(UTC).replace(microsecond=0)  # the names of run files contain the time in seconds
    until(lambda: datetime.now(UTC).replace(microsecond=0) > loaded, PATIENCE)
    again = running_day(0)
    with pytest.raises(EarlierDayFirst):
        load(data, ncbi, 1, again)
    load(data, ncbi, 0)
    assert load(data, ncbi, 1, again).counts["inserted"] == 1
    assert requested_since(ncbi) == [str(FIRST)] * 2


def test_wait_for_a_day_that_never_starts_is_short(data: DataFolder, ncbi: ScriptedServer) -> None:
    load(data, ncbi, 1, running_day(0, ago=STARTING))
    assert requested_since(ncbi) == [str(FIRST + timedelta(days=1))]


def test_airflow_is_not_queried_if_an_archived_package_suffices(data: DataFolder, ncbi: ScriptedServer) -> None:
    asked = threading.Event()
    load(data, ncbi, 0)

    def ask() -> None:
        asked.set()

    load(data, ncbi, 1, ask)
    assert len(ncbi.requests) == 1
    assert not asked.is_set()


def test_damaged_package_is_not_reused(data: DataFolder, ncbi: ScriptedServer) -> None:
    load(data, ncbi, 0)
    for package in data.packages.rglob("*.zip"):
        package.write_bytes(package.read_bytes()[:-100])
    with pytest.raises(EarlierDayFirst):
        load(data, ncbi, 2, running_day(1))
    load(data, ncbi, 2, nothing_runs)
    assert len(ncbi.requests) == 2


def test_first_day_goes_first_even_if_it_waits_for_the_warehouse(
    data: DataFolder, ncbi: ScriptedServer, pool: ThreadPoolExecutor
) -> None:
    running = running_day(0)  # it begins before its run file is written, however busy the machine is
    with Warehouse(data.warehouse, lock_timeout=PATIENCE).exclusive():
        first = pool.submit(load, data, ncbi, 0)
        until(lambda: "open" in stages(data), PATIENCE)
        for earlier_day in (running, nothing_runs):
            with pytest.raises(EarlierDayFirst, match="mpox"):
                load(data, ncbi, 1, earlier_day)
    assert first.result(PATIENCE).counts["inserted"] == 1
    assert load(data, ncbi, 1, running_day(0)).counts["inserted"] == 1
    assert requested_since(ncbi) == [str(FIRST)]


def remove_sidecars(data: DataFolder) -> None:
    """Remove the sidecars; a package without one cannot be reused for the next day."""
    for sidecar in data.packages.glob("*/*.json"):
        sidecar.unlink()


def stages(data: DataFolder) -> list[str]:
    return [json.loads(path.read_text())["stage"] for path in data.runs.glob("*.json")]


def test_silent_run_is_not_waited_for(data: DataFolder, ncbi: ScriptedServer, pool: ThreadPoolExecutor) -> None:
    with Warehouse(data.warehouse, lock_timeout=PATIENCE).exclusive():
        first = pool.submit(load, data, ncbi, 0)
        until(lambda: "open" in stages(data), PATIENCE)
        [state] = data.runs.glob("*.json")
        written = json.loads(state.read_text()) | {"written_at": (datetime.now(UTC) - SILENT).isoformat()}
        state.write_text(json.dumps(written))
        window = Window(WINDOW, FIRST + timedelta(days=1), FIRST + timedelta(days=2), None, filter_changed=False)
        let_earlier_day_fetch_first(MPOX, window, data, lambda: None)
    first.result(PATIENCE)


def test_no_day_is_waited_for_where_packages_are_not_reused(data: DataFolder) -> None:
    window = Window(WINDOW, FIRST, FIRST + timedelta(days=1), None, filter_changed=False)
    day = DayOfBackfill(run_id(0), datetime.now(UTC))
    with pytest.raises(EarlierDayFirst):
        let_earlier_day_fetch_first(MPOX, window, data, lambda: day)
    let_earlier_day_fetch_first(MPOX.model_copy(update={"reuse_hours": 0}), window, data, lambda: day)
