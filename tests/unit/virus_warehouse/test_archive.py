import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virus_warehouse.archive import Archive, ArchivedPackage, CommittedLoad
from virus_warehouse.sources import LoadLimits, Source

NOW = datetime(2025, 6, 1, 6, tzinfo=UTC)


def package(run_id: str, *, age_days: float = 0, **changes: Any) -> ArchivedPackage:
    values: dict[str, Any] = {
        "run_id": run_id,
        "source": "mpox",
        "mode": "incremental",
        "fingerprint": "0123456789abcdef",
        "dag_id": "ncbi_virus_ingest__mpox",
        "dag_run_id": "scheduled__1",
        "updated_since": date(2025, 5, 1),
        "until": None,
        "request_url": "https://api.ncbi.nlm.nih.gov/datasets/v2/virus/taxon/10244/genome/download",
        "requested_at": NOW - timedelta(days=age_days),
        "http_status": 200,
        "ncbi_phid": "322C00001.1",
        "datasets_version": "18.32.0",
        "bytes": 3,
        "sha256": "ab" * 32,
    }
    return ArchivedPackage(**{**values, **changes})


class ArchiveFixture:
    """An archive in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = Archive(folder / "packages", "mpox")

    def keep(self, kept: ArchivedPackage) -> Path:
        downloaded = self.folder / "package.zip"
        downloaded.write_bytes(b"PK\x03")
        return self.archive.keep(kept, downloaded)

    def prune(self, retention_days: int, *, refused: str | None = None) -> None:
        self.archive.prune(retention_days, NOW, {run_id for run_id in self.run_ids() if run_id != refused})

    def run_ids(self) -> list[str]:
        return [package.run_id for package in self.archive.packages()]


@pytest.fixture
def stored(tmp_path: Path) -> ArchiveFixture:
    return ArchiveFixture(tmp_path)


@pytest.mark.parametrize(
    "kept",
    [
        package("a"),
        package("a", mode="window", until=date(2025, 5, 2), requested_at=NOW.replace(microsecond=123456)),
        package("a", mode="full", updated_since=None, dag_id=None, dag_run_id=None, ncbi_phid=None),
    ],
)
def test_package_metadata_round_trip(stored: ArchiveFixture, kept: ArchivedPackage) -> None:
    path = stored.keep(kept)
    assert list(stored.archive.packages()) == [kept]
    assert path == stored.archive.path("a") == stored.folder / "packages" / "mpox" / "a.zip"
    assert path.read_bytes() == b"PK\x03"
    assert not (stored.folder / "package.zip").exists()


def test_sidecar_has_the_documented_fields(stored: ArchiveFixture) -> None:
    sidecar = json.loads(stored.keep(package("a")).with_suffix(".json").read_text())
    assert sidecar.keys() >= {"mode", "updated_since", "until", "fingerprint", "request_url", "requested_at", "sha256"}


def test_packages_are_listed_newest_request_first(stored: ArchiveFixture) -> None:
    for run_id, age in (("b", 2), ("c", 3), ("a", 1)):
        stored.keep(package(run_id, age_days=age))
    assert stored.run_ids() == ["a", "b", "c"]


def test_zip_without_a_sidecar_is_not_a_package(stored: ArchiveFixture) -> None:
    stored.keep(package("a")).with_suffix(".json").unlink()
    assert stored.run_ids() == []


def test_archive_of_a_source_without_packages_is_empty(stored: ArchiveFixture) -> None:
    assert stored.run_ids() == []
    stored.prune(1)


def test_old_packages_before_the_newest_full_one_are_deleted_with_their_sidecars(stored: ArchiveFixture) -> None:
    stored.keep(package("old full", age_days=120, mode="full"))
    stored.keep(package("old", age_days=110))
    stored.keep(package("full", age_days=100, mode="full"))
    stored.keep(package("after", age_days=95))
    stored.keep(package("today"))
    stored.prune(90)
    assert stored.run_ids() == ["today", "after", "full"]
    names = {entry.name for entry in stored.archive.folder.iterdir()}
    assert names == {f"{run_id}{suffix}" for run_id in ("today", "after", "full") for suffix in (".zip", ".json")}


def test_refused_full_package_does_not_supersede_older_ones(stored: ArchiveFixture) -> None:
    stored.keep(package("full", age_days=100, mode="full"))
    stored.keep(package("refused", age_days=1, mode="full"))
    stored.prune(90, refused="refused")
    assert stored.run_ids() == ["refused", "full"]


def test_package_of_a_stopped_load_is_kept_while_it_waits(stored: ArchiveFixture) -> None:
    stored.keep(package("full", age_days=120, mode="full"))
    stored.keep(package("stopped", age_days=100, mode="full"))
    stored.archive.refuse("stopped", ["missing"], "missing records")
    stored.keep(package("after", age_days=95))
    stored.prune(90, refused="stopped")
    assert stored.run_ids() == ["after", "stopped", "full"]
    [_, stopped, _] = stored.archive.packages()
    assert (stopped.state, stopped.stopped_by, stopped.finding) == ("refused", ("missing",), "missing records")


def test_unreadable_sidecar_is_skipped_and_left_alone(stored: ArchiveFixture) -> None:
    damaged = stored.keep(package("damaged")).with_suffix(".json")
    damaged.write_text('{"run_id": ')
    stored.keep(package("full", mode="full"))
    stored.prune(1)
    assert stored.run_ids() == ["full"]
    assert damaged.exists()
    assert stored.archive.path("damaged").exists()


def test_recent_packages_before_the_newest_full_one_are_kept(stored: ArchiveFixture) -> None:
    stored.keep(package("before", age_days=89.9))
    stored.keep(package("full", age_days=1, mode="full"))
    stored.prune(90)
    assert stored.run_ids() == ["full", "before"]


def test_without_a_full_package_nothing_is_deleted(stored: ArchiveFixture) -> None:
    stored.keep(package("old", age_days=1000))
    stored.prune(1)
    assert stored.run_ids() == ["old"]


@given(
    ages=st.lists(
        st.tuples(st.floats(0, 400), st.sampled_from(["full", "incremental", "window"])), min_size=1, max_size=12
    ),
    retention_days=st.integers(1, 365),
)
def test_newest_full_package_and_all_after_it_are_never_deleted(
    tmp_path_factory: pytest.TempPathFactory, ages: list[tuple[float, str]], retention_days: int
) -> None:
    stored = ArchiveFixture(tmp_path_factory.mktemp("archive"))
    kept = [package(f"p{number}", age_days=age, mode=mode) for number, (age, mode) in enumerate(ages)]
    for each in kept:
        stored.keep(each)
    stored.prune(retention_days)
    full = [each.requested_at for each in kept if each.mode == "full"]
    needed = {each.run_id for each in kept if not full or each.requested_at >= max(full)}
    assert needed <= set(stored.run_ids())


LIMITS = LoadLimits(max_missing=0.05, max_emptied=0.1, withdraw_after=2)


def load(run_id: str, *, age_days: float = 0, of_package: str | None = None) -> CommittedLoad:
    committed_at = NOW - timedelta(days=age_days)
    return CommittedLoad({"run_id": run_id, "ended_at": str(committed_at), "lines": 3}, of_package, LIMITS)


def test_load_records_are_read_in_commit_order(stored: ArchiveFixture) -> None:
    loads = [load("b", age_days=1, of_package="b"), load("c"), load("a", age_days=2, of_package="b")]
    for one in loads:
        assert not stored.archive.has_recorded(str(one.run["run_id"]))
        stored.archive.record_load(one)
        assert stored.archive.has_recorded(str(one.run["run_id"]))
    assert stored.archive.loads() == [loads[2], loads[0], loads[1]]
    assert stored.archive.loads()[0].committed_at == NOW - timedelta(days=2)
    assert list(stored.archive.packages()) == []


def test_load_records_not_needed_for_a_rebuild_are_deleted(stored: ArchiveFixture) -> None:
    for run_id, age_days, mode in (("old", 200, "full"), ("delta", 150, "incremental"), ("full", 120, "full")):
        stored.keep(package(run_id, age_days=age_days, mode=mode))
        stored.archive.record_load(load(run_id, age_days=age_days, of_package=run_id))
    stored.archive.record_load(load("nothing, long ago", age_days=140))
    stored.archive.record_load(load("nothing, since the newest full one", age_days=110))
    stored.archive.record_load(load("again", age_days=100, of_package="full"))
    stored.prune(90)
    assert [one.run["run_id"] for one in stored.archive.loads()] == [
        "full",
        "nothing, since the newest full one",
        "again",
    ]


class TestOtherVersions:
    """Files of other versions are read; unreadable files cause no errors."""

    def edit(self, path: Path, **changes: Any) -> None:
        content = json.loads(path.read_text())
        path.write_text(json.dumps({name: value for name, value in (content | changes).items() if value != "absent"}))

    def test_sidecar_with_more_or_less_is_read(self, stored: ArchiveFixture) -> None:
        sidecar = stored.keep(package("a")).with_suffix(".json")
        assert json.loads(sidecar.read_text())["format"] == 1
        self.edit(sidecar, format=2, colour="blue", state="absent", until="absent")
        assert list(stored.archive.packages()) == [package("a")]

    @pytest.mark.parametrize("content", ["{", "[]", "null", '{"run_id": "a"}'])
    def test_sidecar_that_cannot_be_read_is_left_alone(self, stored: ArchiveFixture, content: str) -> None:
        sidecar = stored.keep(package("a")).with_suffix(".json")
        stored.keep(package("b"))
        sidecar.write_text(content)
        assert stored.run_ids() == ["b"]
        stored.archive.mark({"a", "b"}, "accepted")
        assert sidecar.read_text() == content

    def record(self, stored: ArchiveFixture, run_id: str) -> Path:
        run = {"run_id": run_id, "ended_at": NOW.isoformat(), "mode": "full"}
        stored.archive.record_load(CommittedLoad(run, None, LoadLimits(0.1, 0.05, 2)))
        return stored.archive.loads_folder / f"{run_id}.json"

    def test_load_record_with_more_or_less_is_read(self, stored: ArchiveFixture) -> None:
        path = self.record(stored, "a")
        self.edit(path, format=2, colour="blue", limits={"max_missing": 0.1, "max_of_another_kind": 3})
        [load] = stored.archive.loads()
        assert (load.run["run_id"], load.limits) == (
            "a",
            LoadLimits(0.1, Source.model_fields["max_emptied"].default, 2),
        )

    @pytest.mark.parametrize("content", ["{", "[]", '{"run": {}}', '{"run": {"ended_at": 5}, "package": null}'])
    def test_load_record_that_cannot_be_read_is_left_alone(self, stored: ArchiveFixture, content: str) -> None:
        self.record(stored, "a").write_text(content)
        self.record(stored, "b")
        assert [load.run["run_id"] for load in stored.archive.loads()] == ["b"]


def test_outcome_of_a_package_is_in_its_sidecar(stored: ArchiveFixture) -> None:
    for run_id in ("a", "b"):
        stored.keep(package(run_id))
    stored.archive.mark({"a", "nobody"}, "accepted")
    assert {kept.run_id: kept.state for kept in stored.archive.packages()} == {"a": "accepted", "b": "verified"}
