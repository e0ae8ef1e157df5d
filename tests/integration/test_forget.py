"""A source that is no longer followed has no influence, and can be removed with all its data."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import DENGUE, MPOX, TABLES, Followed
from tests.support.snapshots import publish
from tests.support.warehouses import query
from virus_warehouse.archive import Archive
from virus_warehouse.forget import ForgetError, forget, holdings
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_file import run_lock
from virus_warehouse.sources import Source, SourceError, SourcesFile, UnknownSource
from virus_warehouse.warehouse.connection import Warehouse

pytestmark = pytest.mark.usefixtures("small_loads")

OLD = Source(name="orthopox", request=VirusGenomeRequest(taxon="10242"))


def following(*sources: Source, **broken: str) -> SourcesFile:
    return SourcesFile(
        Path("sources.yaml"),
        {source.name: source for source in sources},
        {name: SourceError(fault) for name, fault in broken.items()},
    )


def remove(followed: Followed, source: str = "orthopox", file: SourcesFile | None = None) -> None:
    forget(source, Warehouse(followed.data.warehouse), followed.data, file or following(MPOX))


@pytest.fixture(scope="module")
def both_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """Two sources with the same 100 records, of which NCBI has withdrawn 3 since one of them is no longer followed."""
    with FakeNcbi() as ncbi:
        followed = Followed(ncbi, tmp_path_factory.mktemp("both") / "data")
        for number in range(100):
            followed.show(f"PX{number}", 1)
        ncbi.world.annotates = True
        followed.run(OLD)
        followed.run(MPOX)
        for number in range(3):
            del ncbi.world.records[f"PX{number}"]
        followed.run(MPOX, mode="census")
        followed.run(MPOX, mode="census")
        yield followed


@pytest.fixture
def both(both_once: Followed, ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    """A copy of them that a test can change."""
    return both_once.copy_to(tmp_path / "data", ncbi)


def counted(followed: Followed) -> tuple[int, int]:
    [(distinct,)] = query(followed.data.snapshot, "SELECT count(*) FROM virus_genome_distinct")
    [(weekly,)] = query(followed.data.snapshot, "SELECT sum(records) FROM mart.weekly_count")
    return distinct, int(weekly)


def test_unfollowed_source_has_no_influence(both: Followed) -> None:
    publish(both.data, following(MPOX, OLD))
    assert counted(both) == (100, 100)
    publish(both.data, following(MPOX, orthopox="a fault in the file is no farewell"))
    assert counted(both) == (100, 100)
    publish(both.data, following(MPOX))
    assert counted(both) == (97, 97)
    assert query(both.data.snapshot, "SELECT DISTINCT sources FROM virus_genome_distinct") == [(["mpox"],)]
    held = query(both.data.snapshot, "SELECT source, count(*) FROM virus_genome GROUP BY source ORDER BY source")
    assert held == [("mpox", 97), ("orthopox", 100)], "rows of an unfollowed source must remain"


def test_forgetting_removes_only_data_of_the_source(both: Followed) -> None:
    publish(both.data, following(MPOX))
    held = holdings("orthopox", Warehouse(both.data.warehouse), both.data)
    assert (held.packages, held.files) == (1, 1)
    assert held.package_bytes == sum(file.stat().st_size for file in both.data.packages.glob("orthopox/*.zip"))
    of_a_source = [table for table in TABLES if not table.startswith("taxon")]
    for table in of_a_source:
        name = table if "." in table else f"main.{table}"
        rows = query(both.data.warehouse, f"SELECT count(*) FROM {table} WHERE source = 'orthopox'")
        assert held.rows.get(name, 0) == rows[0][0]
    others = {
        table: query(both.data.warehouse, f"FROM {table} WHERE source = 'mpox' ORDER BY ALL") for table in of_a_source
    }

    remove(both)
    for table in of_a_source:
        assert query(both.data.warehouse, f"FROM {table} ORDER BY ALL") == others[table], table
    assert not list(both.data.root.rglob("*orthopox*"))
    # The check does not report it as a loss, and a rebuild does not restore it.
    publish(both.data, following(MPOX))
    assert query(both.data.snapshot, "SELECT DISTINCT source FROM ops.source_status") == [("mpox",)]
    rebuilt = rebuild(both.data)
    assert query(rebuilt.path, "SELECT DISTINCT source FROM virus_genome") == [("mpox",)]
    # Followed again, it starts with a full load.
    assert both.run(OLD).mode == "full"


def test_remains_of_a_killed_forget_are_removed(both: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("virus_warehouse.forget.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove(both)
    assert holdings("orthopox", Warehouse(both.data.warehouse), both.data).rows == {}
    remove(both)
    with pytest.raises(UnknownSource, match="no data of a source 'orthopox'; there is data of mpox"):
        holdings("orthopox", Warehouse(both.data.warehouse), both.data)


def test_followed_or_running_source_is_not_forgotten(followed: Followed) -> None:
    followed.show("PX1", 1)
    done = followed.run(DENGUE)
    for file in (following(MPOX, DENGUE), following(MPOX, dengue="taxon is 'x'")):
        with pytest.raises(ForgetError, match="still has source dengue: remove it there first"):
            remove(followed, "dengue", file)
    with (
        run_lock(followed.data.runs, done.run_id),
        pytest.raises(ForgetError, match=f"run {done.run_id} is working on"),
    ):
        remove(followed, "dengue")
    assert list(Archive(followed.data.packages, "dengue").packages())
    assert query(followed.data.warehouse, "SELECT count(*) FROM virus_genome") == [(1,)]


def test_unknown_name_removes_nothing(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    before = sorted(followed.data.root.rglob("*"))
    for name in ("", "..", "../packages", "flu", "*"):
        with pytest.raises(UnknownSource, match="there is data of mpox"):
            holdings(name, Warehouse(followed.data.warehouse), followed.data)
        with pytest.raises(UnknownSource, match="there is data of mpox"):
            remove(followed, name, following(DENGUE))
        assert sorted(followed.data.root.rglob("*")) == before
