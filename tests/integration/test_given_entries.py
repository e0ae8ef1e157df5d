"""A source given to the operator as an entry, not in the sources file, is followed like those of the file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import MPOX, Followed
from tests.support.snapshots import publish
from tests.support.warehouses import query
from virus_warehouse.archive import Archive
from virus_warehouse.followed import followed_sources
from virus_warehouse.forget import forget
from virus_warehouse.pages.overview.overview import State, overview
from virus_warehouse.sources import SourceError, SourcesFile, source_of
from virus_warehouse.warehouse.connection import Warehouse

pytestmark = pytest.mark.usefixtures("small_loads")

ENTRY: dict[str, Any] = {
    "name": "orthopox",
    "taxon": 10242,
    "released_since": "2020-01-01",
    "aux_reports": ["ANNOTATION"],
    "max_shrinkage": None,
    "earliest_collection_date": "1990-01-01",
}
FILE = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX})
STATUS = "SELECT source, status, taxon FROM ops.source_status ORDER BY source"


@pytest.fixture(scope="module")
def loaded_once(small_loads: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """A hundred records of the entry's source; only to be copied."""
    with FakeNcbi() as ncbi:
        followed = Followed(ncbi, tmp_path_factory.mktemp("loaded") / "data")
        for number in range(100):
            followed.show(f"PX{number}", 1)
        followed.run(source_of(ENTRY))
        yield followed


@pytest.fixture
def loaded(loaded_once: Followed, ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    """A copy of it that a test can change."""
    return loaded_once.copy_to(tmp_path / "data", ncbi)


def test_it_is_followed_with_its_taxon_and_counted(loaded: Followed) -> None:
    publish(loaded.data, FILE)
    assert query(loaded.data.snapshot, STATUS) == [
        ("mpox", "never loaded", "10244"),
        ("orthopox", "followed", "10242"),
    ]
    assert query(loaded.data.snapshot, "SELECT count(*) FROM virus_genome_distinct") == [(100,)]
    cards = {card.name: card for card in overview(loaded.data, FILE).cards}
    assert (cards["orthopox"].state, cards["orthopox"].schedule) == (State.UP_TO_DATE, None)


def test_gates_use_its_own_limits(loaded: Followed) -> None:
    """It has no limit of shrinkage; the default one would hold it back."""
    publish(loaded.data, FILE)
    with duckdb.connect(loaded.data.warehouse) as connection:
        connection.execute("DELETE FROM virus_genome WHERE hash(accession) % 2 = 0")
    publish(loaded.data, FILE)
    [(held,)] = query(loaded.data.snapshot, "SELECT count(*) FROM virus_genome")
    assert held < 90


def test_what_the_newest_run_recorded_counts(loaded: Followed) -> None:
    assert followed_sources(loaded.data, FILE).sources["orthopox"] == source_of(ENTRY)
    changed = ENTRY | {"stale_after_days": 7}
    loaded.run(source_of(changed))
    assert followed_sources(loaded.data, FILE).sources["orthopox"] == source_of(changed)
    of_file = source_of(ENTRY).model_copy(update={"is_entry": False, "max_missing": 0.5})
    in_file = SourcesFile(Path("sources.yaml"), {"orthopox": of_file})
    assert followed_sources(loaded.data, in_file).sources == in_file.sources, "the file wins"
    loaded.run(of_file)
    assert "orthopox" not in followed_sources(loaded.data, FILE).sources, "since then it was followed in the file"


def test_broken_source_of_the_file_stays_broken(loaded: Followed) -> None:
    broken = SourcesFile(Path("sources.yaml"), errors={"orthopox": SourceError("a fault")})
    assert followed_sources(loaded.data, broken).sources == {}


def test_forgotten_source_is_followed_no_longer(loaded: Followed) -> None:
    forget("orthopox", Warehouse(loaded.data.warehouse), loaded.data, FILE)
    assert set(followed_sources(loaded.data, FILE).sources) == {"mpox"}


def test_record_that_this_version_cannot_read_is_ignored(loaded: Followed, caplog: pytest.LogCaptureFixture) -> None:
    [record] = Archive(loaded.data.packages, "orthopox").loads_folder.glob("*.json")
    content = json.loads(record.read_text())
    content["entry"]["a key of a later version"] = 1
    record.write_text(json.dumps(content))
    assert set(followed_sources(loaded.data, FILE).sources) == {"mpox"}
    assert "orthopox" in caplog.text


def test_no_sources_file_is_needed_where_every_source_is_an_entry(
    loaded: Followed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRUS_SOURCES", raising=False)
    monkeypatch.setattr("virus_warehouse.sources.CHECKOUT", None)
    monkeypatch.setenv("VIRUS_DATA", str(loaded.data.root))
    assert set(followed_sources(loaded.data).sources) == {"orthopox"}
    forget("orthopox", Warehouse(loaded.data.warehouse), loaded.data, FILE)
    with pytest.raises(SourceError, match=r"sources\.yaml: cannot be read"):
        followed_sources(loaded.data)
    monkeypatch.setenv("VIRUS_SOURCES", str(tmp_path / "mistyped.yaml"))
    with pytest.raises(SourceError, match=r"mistyped\.yaml: cannot be read"):
        followed_sources(loaded.data)
