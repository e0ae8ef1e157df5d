"""Full loads and censuses that were stopped, and are loaded from the archive once a person has approved them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import FIRST_DAY, HUMAN_MPOX, MPOX, Followed, content
from tests.support.warehouses import dicts, query
from virus_warehouse.archive import ArchivedPackage
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.package_source import ArchivedPackageDamaged
from virus_warehouse.publish.approval import KEEP, LOAD
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.stopped_load import NothingStopped, answer_stopped_load, stopped_load
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.windows import WindowRequest

pytestmark = pytest.mark.usefixtures("small_loads")

HELD = 40


@pytest.fixture(scope="module")
def loaded(small_loads: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """A source with forty records; only to be copied. NCBI has since dropped ten of them."""
    with FakeNcbi() as ncbi:
        followed = Followed(ncbi, tmp_path_factory.mktemp("loaded") / "data")
        for number in range(HELD):
            followed.show(f"PX{number:02d}", 1)
        followed.run()
        for number in range(10):
            del ncbi.world.records[f"PX{number:02d}"]
        yield followed


@pytest.fixture
def followed(loaded: Followed, ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    """A copy of it that a test can change."""
    return loaded.copy_to(tmp_path / "data", ncbi)


def stop(followed: Followed, source: Source = MPOX, mode: str = "census") -> ArchivedPackage:
    with pytest.raises(GateError):
        followed.run(source, mode=mode)
    stopped = stopped_load(followed.data, source)
    assert stopped is not None
    return stopped


def answer(followed: Followed, stopped: ArchivedPackage, what: str = LOAD, source: Source = MPOX) -> None:
    answer_stopped_load(warehouse(followed), followed.data, source, stopped.run_id, what, "ada")


def load(followed: Followed, run_id: str, source: Source = MPOX, *accepted: str) -> IngestResult:
    with DatasetsClient("http://127.0.0.1:9") as nowhere:
        return ingest(
            source,
            client=nowhere,
            warehouse=warehouse(followed),
            data=followed.data,
            accepts=Acceptance.of(accepted),
            archived=run_id,
        )


def warehouse(followed: Followed) -> Warehouse:
    return Warehouse(followed.data.warehouse, lock_timeout=120)


def run(followed: Followed, run_id: str) -> dict[str, Any]:
    return dicts(followed.data.warehouse, "FROM ops.ingest_run WHERE run_id = ?", run_id)[0]


def of_mpox(followed: Followed, status: str) -> list[str]:
    rows = query(followed.data.warehouse, "SELECT accession FROM virus_genome WHERE status = ? ORDER BY 1", status)
    return [accession for (accession,) in rows]


def test_approved_census_is_loaded_from_the_archive_and_the_ledger_says_who_approved_it(followed: Followed) -> None:
    stopped = stop(followed)
    assert (stopped.is_census, stopped.stopped_by, stopped.approved_by) == (True, ("missing",), None)
    assert "lacks 10 of the 40 held records" in str(stopped.finding)
    answer(followed, stopped)
    result = load(followed, stopped.run_id)
    assert (result.counts["missing"], result.counts["unchanged"]) == (10, 30)
    assert of_mpox(followed, "missing") == [f"PX{number:02d}" for number in range(10)]
    row, failed = run(followed, result.run_id), run(followed, stopped.run_id)
    assert (row["archived_run_id"], row["approved_by"], row["attempts"]) == (stopped.run_id, "ada", 0)
    for column in ("package_path", "package_sha256", "requested_at", "request_url"):
        assert row[column] == failed[column] is not None
    assert (failed["archived_run_id"], failed["approved_by"]) == (None, None)
    assert query(followed.data.warehouse, "SELECT run_id, accepted FROM ops.acceptance") == [(result.run_id, "missing")]
    assert query(followed.data.warehouse, "SELECT gate, finding, answer, answered_by FROM ops.approval") == [
        ("missing", stopped.finding, "load", "ada")
    ]
    assert stopped_load(followed.data, MPOX) is None


def test_what_was_loaded_meanwhile_stays_and_counts_as_listed(followed: Followed) -> None:
    stopped = stop(followed)
    followed.show("PX00", 1)  # as before
    followed.show("PX01", 3, length=5)
    followed.show("PX77", 4)
    followed.show("PX20", 5, length=7)
    between = followed.run()
    answer(followed, stopped)
    result = load(followed, stopped.run_id)
    assert of_mpox(followed, "missing") == [f"PX{number:02d}" for number in range(2, 10)]
    changed = "SELECT accession, length FROM virus_genome WHERE length > 1 OR accession = 'PX77' ORDER BY 1"
    assert query(followed.data.warehouse, changed) == [("PX01", 5), ("PX20", 7), ("PX77", 1)]
    assert result.watermark == between.watermark == FIRST_DAY + timedelta(days=5)
    followed.show("PX21", 6, length=7)
    assert followed.run().updated_since == between.watermark - timedelta(days=MPOX.lookback_days)
    for from_oldest in (False, True):
        rebuilt = rebuild(followed.data, from_oldest=from_oldest)
        assert (rebuilt.gaps, rebuilt.differences) == ([], [])
        assert content(rebuilt.path) == content(followed.data.warehouse)


def test_stopped_package_is_stopped_again_unless_somebody_accepts_it(followed: Followed) -> None:
    stopped = stop(followed)
    with pytest.raises(GateError, match="missing records"):
        load(followed, stopped.run_id)
    result = load(followed, stopped.run_id, MPOX, "missing")
    assert run(followed, result.run_id)["approved_by"] is None


def test_emptied_fields_are_asked_about_before_missing_records_and_then_both(followed: Followed) -> None:
    for number in range(20, 40):
        followed.show(f"PX{number}", 2, host=None)
    first = stop(followed)
    assert first.stopped_by == ("emptied",)
    answer(followed, first)
    with pytest.raises(GateError, match="missing records"):
        load(followed, first.run_id)
    second = stopped_load(followed.data, MPOX)
    assert second is not None
    assert (second.run_id, second.stopped_by, second.approved_by) == (first.run_id, ("emptied", "missing"), None)
    answer(followed, second)
    assert load(followed, second.run_id).counts["revised"] == 20


def test_emptied_fields_are_loaded_although_dates_stay_and_a_window_listed_other_days(followed: Followed) -> None:
    for number in range(10):
        followed.show(f"PX{number:02d}", 1)
    for number in range(20, 40):
        followed.show(f"PX{number}", 1, host=None)
    stopped = stop(followed)
    days = FIRST_DAY + timedelta(days=5), FIRST_DAY + timedelta(days=6)
    followed.show("PX99", 5)
    followed.run(mode="window", since=days[0], until=days[1])
    answer(followed, stopped)
    assert load(followed, stopped.run_id).counts["revised"] == 20


@pytest.mark.parametrize("is_stopped", [True, False])
def test_newer_full_load_replaces_the_question(followed: Followed, is_stopped: bool) -> None:
    first = stop(followed)
    answer(followed, first)
    if is_stopped:
        newer = stop(followed).run_id
        assert newer != first.run_id
    else:
        for number in range(10):
            followed.show(f"PX{number:02d}", 1)
        newer = followed.run(mode="full").run_id
        assert stopped_load(followed.data, MPOX) is None
    with pytest.raises(NothingStopped, match=f"run {first.run_id} is not a stopped load of mpox"):
        load(followed, first.run_id)
    with pytest.raises(NothingStopped):
        answer(followed, first)
    assert of_mpox(followed, "missing") == []


def test_full_load_that_committed_without_marking_its_package_replaces_it_too(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = stop(followed)
    answer(followed, stopped)
    with DatasetsClient(followed.ncbi.url) as client:
        newer = ingest(
            MPOX,
            client=client,
            warehouse=warehouse(followed),
            data=followed.data,
            wish=WindowRequest("full"),
            accepts=Acceptance(missing=True),
        )
    package = followed.package(newer)
    package.unlink()
    package.with_suffix(".json").unlink()
    with pytest.raises(NothingStopped, match=f"run {newer.run_id} replaced it"):
        load(followed, stopped.run_id)


def test_kept_records_stay_and_the_answer_is_recorded(followed: Followed) -> None:
    stopped = stop(followed)
    answer(followed, stopped, KEEP)
    kept = stopped_load(followed.data, MPOX)
    assert kept is not None
    assert (kept.kept_by, kept.approved_by) == ("ada", None)
    assert query(followed.data.warehouse, "SELECT answer, answered_by FROM ops.approval") == [("keep", "ada")]
    assert len(of_mpox(followed, "live")) == HELD


def test_package_that_has_changed_since_is_not_loaded(followed: Followed) -> None:
    stopped = stop(followed)
    answer(followed, stopped)
    package: Path = followed.data.packages / "mpox" / f"{stopped.run_id}.zip"
    content = bytearray(package.read_bytes())
    content[len(content) // 2] ^= 1
    package.write_bytes(content)
    with pytest.raises(ArchivedPackageDamaged, match="Load the source in full again"):
        load(followed, stopped.run_id)
    package.unlink()
    assert stopped_load(followed.data, MPOX) is None
    with pytest.raises(NothingStopped):
        load(followed, stopped.run_id)


def test_changed_source_and_unknown_run_have_nothing_to_load(followed: Followed) -> None:
    stopped = stop(followed)
    with pytest.raises(NothingStopped):
        load(followed, stopped.run_id, HUMAN_MPOX)
    with pytest.raises(NothingStopped):
        load(followed, "20250101T000000Z-mpox-000000")


def test_approved_first_full_load_of_changed_filters_is_not_repeated_by_the_next_run(followed: Followed) -> None:
    followed.show("PX50", 2, host=None)
    followed.run()
    stopped = stop(followed, HUMAN_MPOX, mode="full")
    followed.run(HUMAN_MPOX, mode="window", since=FIRST_DAY, until=FIRST_DAY + timedelta(days=2))
    answer(followed, stopped, source=HUMAN_MPOX)
    assert load(followed, stopped.run_id, HUMAN_MPOX).counts["unchanged"] == 30
    ended = "SELECT accession, ended_by FROM virus_genome_history"
    assert query(followed.data.warehouse, ended) == [("PX50", "filter")]
    assert followed.run(HUMAN_MPOX).mode == "incremental"
