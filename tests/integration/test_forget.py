"""A source that is no longer followed has no influence, and can be removed with all its data."""

from pathlib import Path

import pytest

from tests.support.followed import DENGUE, MPOX, TABLES, Followed
from tests.support.snapshots import publish
from tests.support.warehouses import query
from virus_warehouse.archive import Archive
from virus_warehouse.forget import ForgetError, forget, holdings
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_file import run_lock
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source, SourceError, SourcesFile, UnknownSource
from virus_warehouse.warehouse.connection import Warehouse

OLD = Source(name="orthopox", request=VirusGenomeRequest(taxon="10242"))


def following(*sources: Source, **broken: str) -> SourcesFile:
    return SourcesFile(
        Path("sources.yaml"),
        {source.name: source for source in sources},
        {name: SourceError(fault) for name, fault in broken.items()},
    )


def remove(followed: Followed, source: str = "orthopox", file: SourcesFile | None = None) -> None:
    forget(source, Warehouse(followed.data.warehouse), followed.data, file or following(MPOX))


@pytest.fixture
def both(followed: Followed) -> IngestResult:
    """Two sources with the same 100 records, of which NCBI has withdrawn 3 since one of them is no longer followed."""
    for number in range(100):
        followed.show(f"PX{number}", 1)
    followed.ncbi.world.annotates = True
    followed.run(OLD)
    followed.run(MPOX)
    for number in range(3):
        del followed.ncbi.world.records[f"PX{number}"]
    followed.run(MPOX, mode="census")
    return followed.run(MPOX, mode="census")


def counted(followed: Followed) -> tuple[int, int]:
    [(distinct,)] = query(followed.data.snapshot, "SELECT count(*) FROM virus_genome_distinct")
    [(weekly,)] = query(followed.data.snapshot, "SELECT sum(records) FROM mart.weekly_count")
    return distinct, int(weekly)


def test_unfollowed_source_has_no_influence(followed: Followed, both: IngestResult) -> None:
    publish(followed.data, following(MPOX, OLD))
    assert counted(followed) == (100, 100)
    publish(followed.data, following(MPOX, orthopox="a fault in the file is no farewell"))
    assert counted(followed) == (100, 100)
    publish(followed.data, following(MPOX))
    assert counted(followed) == (97, 97)
    assert query(followed.data.snapshot, "SELECT DISTINCT sources FROM virus_genome_distinct") == [(["mpox"],)]
    held = query(followed.data.snapshot, "SELECT source, count(*) FROM virus_genome GROUP BY source ORDER BY source")
    assert held == [("mpox", 97), ("orthopox", 100)], "rows of an unfollowed source must remain"


def test_forgetting_removes_only_data_of_the_source(followed: Followed, both: IngestResult) -> None:
    publish(followed.data, following(MPOX))
    held = holdings("orthopox", Warehouse(followed.data.warehouse), followed.data)
    assert (held.packages, held.files) == (1, 1)
    assert held.package_bytes == sum(file.stat().st_size for file in followed.data.packages.glob("orthopox/*.zip"))
    of_a_source = [table for table in TABLES if not table.startswith("taxon")]
    for table in of_a_source:
        name = table if "." in table else f"main.{table}"
        rows = query(followed.data.warehouse, f"SELECT count(*) FROM {table} WHERE source = 'orthopox'")
        assert held.rows.get(name, 0) == rows[0][0]
    others = {
        table: query(followed.data.warehouse, f"FROM {table} WHERE source = 'mpox' ORDER BY ALL")
        for table in of_a_source
    }

    remove(followed)
    for table in of_a_source:
        assert query(followed.data.warehouse, f"FROM {table} ORDER BY ALL") == others[table], table
    assert not list(followed.data.root.rglob("*orthopox*"))
    # The check does not report it as a loss, and a rebuild does not restore it.
    publish(followed.data, following(MPOX))
    assert query(followed.data.snapshot, "SELECT DISTINCT source FROM ops.source_status") == [("mpox",)]
    rebuilt = rebuild(followed.data)
    assert query(rebuilt.path, "SELECT DISTINCT source FROM virus_genome") == [("mpox",)]
    # Followed again, it starts with a full load.
    assert followed.run(OLD).mode == "full"


def test_remains_of_a_killed_forget_are_removed(
    followed: Followed, both: IngestResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("virus_warehouse.forget.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove(followed)
    assert holdings("orthopox", Warehouse(followed.data.warehouse), followed.data).rows == {}
    remove(followed)
    with pytest.raises(UnknownSource, match="no data of a source 'orthopox'; there is data of mpox"):
        holdings("orthopox", Warehouse(followed.data.warehouse), followed.data)


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


@pytest.mark.parametrize("name", ["", "..", "../packages", "flu", "*"])
def test_unknown_name_removes_nothing(followed: Followed, name: str) -> None:
    followed.show("PX1", 1)
    followed.run()
    before = sorted(followed.data.root.rglob("*"))
    with pytest.raises(UnknownSource, match="there is data of mpox"):
        holdings(name, Warehouse(followed.data.warehouse), followed.data)
    with pytest.raises(UnknownSource, match="there is data of mpox"):
        remove(followed, name, following(DENGUE))
    assert sorted(followed.data.root.rglob("*")) == before
