"""The check of the snapshot's age, on a snapshot that a run published."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.program import command
from tests.support.stand_in import StandIn
from tests.support.warehouses import made_data
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.checks import Check
from virus_warehouse.doctor.examination import examine
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.snapshot_age import check_snapshot

pytestmark = pytest.mark.slow

SOURCES = "sources: {mpox: {taxon: 10244, schedule: '0 6 * * *'}}"


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DataFolder, str]]:
    """A data folder after a run, and the stand-in's address. The folder stays as it is."""
    folder = tmp_path_factory.mktemp("loaded")
    (folder / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    data = made_data(folder / "data")
    settings = {"VIRUS_SOURCES": str(folder / "sources.yaml"), "VIRUS_DATA": str(data.root)}
    with StandIn() as server:
        done = command("run", "mpox", NCBI_DATASETS_URL=server.url, **settings)
        assert done.returncode == 0, done.stderr
        yield data, server.url


@pytest.fixture
def loaded(installation: Installation, sources: Path, loaded_once: tuple[DataFolder, str]) -> Installation:
    sources.write_text(SOURCES, encoding="utf-8")
    shutil.rmtree(installation.data.root)
    shutil.copytree(loaded_once[0].root, installation.data.root)
    return installation


def later(installation: Installation, by: timedelta) -> Installation:
    return Installation(installation.data, now=lambda: datetime.now(UTC) + by)


def test_nothing_is_said_of_a_folder_without_loads(installation: Installation) -> None:
    found = check_snapshot(installation)
    assert (found.verdict, found.message) == ("skipped", "Nothing has been loaded yet.")


def test_a_source_is_overdue_when_its_schedule_says_so(loaded: Installation, sources: Path) -> None:
    fresh = check_snapshot(loaded)
    assert (fresh.verdict, fresh.message.endswith(" UTC, less than two hours ago: no source is overdue.")) == (
        "ok",
        True,
    )
    late = check_snapshot(later(loaded, timedelta(days=5)))
    assert (late.verdict, "5 days ago: mpox: Overdue since" in late.message) == ("failure", True)
    assert late.way_out
    assert "scheduler" in late.way_out
    sources.write_text(SOURCES.replace("0 6 * * *", "0 6 1 1 *"), encoding="utf-8")
    assert check_snapshot(later(loaded, timedelta(days=0))).verdict == "ok"


def test_what_is_not_published_or_not_loaded_yet_is_a_warning(
    loaded: Installation, loaded_once: tuple[DataFolder, str], sources: Path
) -> None:
    sources.write_text("sources: {mpox: {taxon: 10244}, dengue: {taxon: 12637}}", encoding="utf-8")
    new = check_snapshot(loaded)
    assert (new.verdict, new.message.endswith("not loaded yet: dengue.")) == ("warning", True)
    assert command("run", "dengue", "--no-publish", NCBI_DATASETS_URL=loaded_once[1]).returncode == 0
    waiting = check_snapshot(later(loaded, timedelta(hours=1)))
    assert (waiting.verdict, "dengue: Loaded at" in waiting.message) == ("warning", True)
    loaded.data.snapshot.unlink()
    unpublished = check_snapshot(loaded)
    assert (unpublished.verdict, unpublished.message) == (
        "warning",
        "Something was loaded, but nothing is published.",
    )


def test_a_failed_run_is_a_warning(loaded: Installation, loaded_once: tuple[DataFolder, str]) -> None:
    assert command("run", "mpox", NCBI_DATASETS_URL=loaded_once[1].replace("v2", "v0")).returncode == 1
    found = check_snapshot(loaded)
    assert found.verdict == "warning"
    assert "mpox: RequestRefused: NCBI Datasets refused the request" in found.message


def test_a_damaged_snapshot_is_a_failure(loaded: Installation) -> None:
    whole = loaded.data.snapshot.read_bytes()
    for content in (b"no database" * 1000, whole[: len(whole) // 2], whole[:12] + bytes(len(whole))):
        loaded.data.snapshot.unlink()
        loaded.data.snapshot.write_bytes(content)
        found = check_snapshot(loaded)
        assert found.verdict == "failure"
        assert str(loaded.data.snapshot) in found.message


def test_a_broken_sources_file_is_left_to_its_own_check(loaded: Installation, sources: Path) -> None:
    sources.write_text("sources: [", encoding="utf-8")
    [(_, found)] = examine(loaded, [Check("snapshot", check_snapshot)])
    assert (found.verdict, found.way_out) == ("skipped", "First fix what the check 'sources' says.")
