"""A clock that once ran ahead does not affect how later packages are loaded, classified and withdrawn."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import Followed
from tests.support.snapshots import publish
from tests.support.warehouses import MPOX, query
from virus_warehouse.archive import Archive, CommittedLoad
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.rebuild import rebuild, with_past_times
from virus_warehouse.sources import DEFAULT_LIMITS, SourcesFile
from virus_warehouse.warehouse.load_gates import GateError

pytestmark = pytest.mark.usefixtures("small_loads")


@pytest.fixture(
    scope="module",
    params=[timedelta(days=2), pytest.param(timedelta(days=4000), marks=pytest.mark.long)],
    ids=["two days", "eleven years"],
)
def ahead(request: pytest.FixtureRequest) -> datetime:
    return datetime.now(UTC) + request.param


@pytest.fixture(scope="module")
def loaded_once(ahead: datetime, small_loads: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """Thirty records, loaded by a process whose clock ran ahead; only to be copied."""
    with FakeNcbi() as ncbi:
        followed = Followed(ncbi, tmp_path_factory.mktemp("loaded") / "data")
        for number in range(30):
            followed.show(f"PX{number}", number % 3)
        with time_machine.travel(ahead):
            followed.run()
        yield followed


@pytest.fixture
def loaded(loaded_once: Followed, ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    """A copy of it that a test can change."""
    return loaded_once.copy_to(tmp_path / "data", ncbi)


def test_later_package_is_newer_and_the_clock_error_is_logged(
    loaded: Followed, ahead: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    loaded.show("PX1", 3, length=2)
    assert loaded.run().counts["revised"] == 1
    assert "a clock was ahead then, or is behind now" in caplog.text
    assert f"{ahead:%Y-%m-%d}" in caplog.text


def test_full_load_is_checked_for_mass_loss(loaded: Followed) -> None:
    for number in range(5, 30):
        loaded.ncbi.world.records.pop(f"PX{number}")
    with pytest.raises(GateError, match="lacks 25 of the 30"):
        loaded.run(mode="full")


def test_censuses_withdraw_missing_records(loaded: Followed) -> None:
    loaded.ncbi.world.records.pop("PX1")
    loaded.run(mode="census")
    assert query(loaded.data.warehouse, "SELECT status, count(*) FROM virus_genome GROUP BY ALL ORDER BY ALL") == [
        ("live", 29),
        ("missing", 1),
    ]
    loaded.run(mode="census")
    ended = query(loaded.data.warehouse, "SELECT accession, ended_by FROM virus_genome_history")
    assert ended == [("PX1", "withdrawal")]


def test_package_dated_in_the_future_is_not_reused_for_a_window(loaded: Followed) -> None:
    today = datetime.now(UTC).date()
    asked = len(loaded.ncbi.requests)
    loaded.run(mode="window", since=today - timedelta(days=1), until=today)
    assert len(loaded.ncbi.requests) == asked + 1


def test_rebuild_corrects_future_times_and_keeps_the_rest(
    loaded: Followed, ahead: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    loaded.show("PX1", 3, length=2)
    loaded.run()
    loaded.ncbi.world.records.pop("PX2")
    loaded.run(mode="census")
    records = "SELECT * EXCLUDE (valid_from, missing_since), missing_since IS NULL FROM virus_genome ORDER BY ALL"
    ledger = "SELECT run_id, mode, inserted, revised, missing FROM ops.ingest_run ORDER BY ended_at"
    latest = "SELECT max(valid_from), max(missing_since), (SELECT max(ended_at) FROM ops.ingest_run) FROM virus_genome"
    before = [query(loaded.data.warehouse, sql) for sql in (records, ledger)]
    assert query(loaded.data.warehouse, latest)[0][0] > ahead

    with time_machine.travel(ahead):
        publish(loaded.data, SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX}))
    rebuilt = rebuild(loaded.data, replace=True, from_oldest=True)
    assert (rebuilt.gaps, rebuilt.differences) == ([], [])
    assert [query(loaded.data.warehouse, sql) for sql in (records, ledger)] == before
    now = datetime.now(UTC)
    assert all(moment <= now for moment in query(loaded.data.warehouse, latest)[0])
    as_of = "SELECT count(*), count(*) FILTER (length = 2) FROM virus_genome_as_of(?)"
    assert query(loaded.data.warehouse, as_of, now) == [(30, 1)]
    publish(loaded.data, SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX}))
    assert query(loaded.data.snapshot, latest) == query(loaded.data.warehouse, latest)
    [(first,)] = query(loaded.data.warehouse, "SELECT min(ended_at) FROM ops.ingest_run")
    assert query(loaded.data.warehouse, as_of, first) == [(30, 0)]
    assert query(loaded.data.warehouse, gates_sql()) == []
    # The wrong clock has no effect on the next run or the next rebuild.
    caplog.clear()
    assert loaded.run().mode == "incremental"
    assert "clock" not in caplog.text
    packages = Archive(loaded.data.packages, "mpox").packages()
    assert max(package.requested_at for package in packages) <= datetime.now(UTC)
    assert query(rebuild(loaded.data, from_oldest=True).path, records) == query(loaded.data.warehouse, records)


def test_past_times_and_the_order_of_loads_are_kept(followed: Followed) -> None:
    now = datetime(2026, 11, 28, 6, tzinfo=UTC)

    def load(number: int, started_at: datetime, ended_at: datetime) -> CommittedLoad:
        run = {"run_id": str(number), "started_at": started_at, "requested_at": started_at, "ended_at": ended_at}
        return CommittedLoad(run, str(number), DEFAULT_LIMITS)

    day = timedelta(days=1)
    times = [
        (now - 9 * day, now - 9 * day),
        (now + day, now + day),  # the clock ran ahead,
        (now + day, now + 2 * day),
        (now - 5 * day, now + 3 * day),  # was set right,
        (now + 4 * day, now + 4 * day),  # and ran ahead once more
    ]
    loads = [load(number, *start_and_end) for number, start_and_end in enumerate(times)]
    past = with_past_times(loads, now)
    assert past[0] is loads[0]
    ended = [entry.committed_at for entry in past]
    assert ended == sorted(set(ended)), "times must increase"
    assert ended[0] < ended[1] < ended[2] < ended[3] == now - 5 * day < ended[4] < now
    assert past[3].run["requested_at"] == now - 5 * day
    assert past[4].run["requested_at"] == ended[4]
    assert with_past_times([], now) == []
