"""What `virus-warehouse attach` prints, run in a DuckDB that knows nothing else, gives the published rows."""

from pathlib import Path

import duckdb
import pytest

from tests.support.analyst import ask, in_snapshot
from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import MPOX, Followed
from tests.support.lakes import NEEDS_LAKES, migrated_lake, new_lake
from tests.support.program import command
from virus_warehouse.housekeeping import keep_house
from virus_warehouse.publish.attach import NothingToAttach, attach_statements
from virus_warehouse.publish.manifest import read_manifest
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse import lake_storage
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_storage import LakeStorage

pytestmark = [pytest.mark.slow, NEEDS_LAKES, pytest.mark.usefixtures("small_loads")]

FOLLOWED = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX})
WITHDRAWS_AT_ONCE = MPOX.model_copy(update={"withdraw_after": 1})


@pytest.fixture(scope="module")
def original(catalog: str, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """A lake whose present state, with a history, is published; tests copy it."""
    folder = tmp_path_factory.mktemp("original")
    with FakeNcbi() as ncbi:
        followed = Followed(ncbi, folder / "data", LakeStorage(migrated_lake(catalog, folder)))
        for number in range(30):
            followed.show(f"PX{number}", 0)
        followed.run()
        for number in range(5):
            followed.show(f"PX{number}", 1, length=2)
        followed.run()
    publish(followed.warehouse, followed.data, FOLLOWED)
    return followed


@pytest.fixture
def published(original: Followed, ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    return original.copy_to(tmp_path / "data", ncbi)


@pytest.fixture
def lake(published: Followed) -> LakeAddress:
    assert isinstance(published.storage, LakeStorage)
    return published.storage.address


def load_more(followed: Followed, times: int = 0) -> None:
    """A load that leaves a past state and small files: of revisions, inserts, and a record that is withdrawn.

    Args:
        followed: the sources.
        times: how often that was done before.
    """
    day = 2 + times
    for number in range(10):
        followed.show(f"PX{number}", day, length=day + 1)
    followed.show(f"PX{100 + day}", day)
    followed.ncbi.world.records.pop(f"PX{20 + times}")
    assert followed.run(WITHDRAWS_AT_ONCE, mode="census").counts["withdrawn"] == 1


def test_the_printed_statements_give_what_is_published_while_a_load_goes_on(published, lake, tmp_path):
    load_more(published)
    with duckdb.connect() as session, published.warehouse.transaction(session):
        session.execute("DELETE FROM warehouse.main.virus_genome")
        printed = command(
            "attach", VIRUS_DATA=str(published.data.root), VIRUS_WAREHOUSE=lake.setting, PGPASSWORD="not needed here"
        )
        assert printed.returncode == 0, printed.stderr
        answers = ask(printed.stdout, tmp_path / "home", PGPASSWORD=lake.password)
    assert lake.password not in printed.stdout + printed.stderr
    assert answers == in_snapshot(published)
    assert (len(answers["genomes"]), len(answers["history"])) == (30, 5)


def test_another_user_can_be_named(published):
    assert " user=reader'" in attach_statements(published.warehouse, published.data, "reader")


def test_a_file_is_read_in_its_snapshot(followed, tmp_path):
    followed.show("PX1", 0)
    followed.run()
    publish(followed.warehouse, followed.data, FOLLOWED)
    printed = command("attach", VIRUS_DATA=str(followed.data.root))
    assert printed.stdout == f"ATTACH '{followed.data.snapshot}' AS virus (READ_ONLY);\nUSE virus;\n"
    assert ask(printed.stdout, tmp_path / "home")["genomes"][0][:2] == ["PX1", 1]


def test_the_manifest_says_of_which_state_the_snapshot_is(published):
    manifest = read_manifest(published.data.manifest)
    with published.warehouse.unchanging() as state:
        assert state.lake_state is not None
        assert manifest is not None
        assert (manifest.lake_id, manifest.lake_version) == (state.lake_state.lake_id, state.lake_state.version)


def test_a_source_that_is_held_back_is_named(published):
    published.ncbi.world.records.clear()
    published.show("PX0", 2, length=2)
    for number in range(1, 31):
        published.show(f"PX{number}", 40_000)
    published.run()
    publish(published.warehouse, published.data, FOLLOWED)
    assert "-- Held back in the snapshot, and here as loaded: mpox.\n" in attach_statements(
        published.warehouse, published.data
    )


class TestNothingToAttach:
    def test_nothing_is_published(self, followed):
        done = command("attach", VIRUS_DATA=str(followed.data.root))
        assert done.returncode == 1
        assert "Nothing is published" in done.stderr

    def test_what_is_published_is_of_another_warehouse(self, published, catalog, tmp_path):
        other = LakeStorage(new_lake(catalog, tmp_path / "other"))
        with pytest.raises(NothingToAttach, match="`virus-warehouse publish` makes a new one"):
            attach_statements(Warehouse(other), published.data)
        other.upgrade()
        with pytest.raises(NothingToAttach, match="is of no state that"):
            attach_statements(Warehouse(other), published.data)


class TestMaintenance:
    """Past states are removed, but never the one that is published."""

    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lake_storage, "KEPT_STATES", "0 seconds")

    def keep_house(self, followed: Followed) -> str:
        return keep_house(followed.warehouse, followed.data, FOLLOWED)[-1]

    def versions(self, followed: Followed) -> list[int]:
        with followed.warehouse.exclusive() as session:
            found = session.execute("SELECT snapshot_id FROM warehouse.snapshots() ORDER BY ALL").fetchall()
        return [version for (version,) in found]

    @pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.long)])
    def test_the_published_state_stays_and_others_go(self, published, lake, tmp_path, times):
        home, password = tmp_path / "home", {"PGPASSWORD": lake.password}
        expected = in_snapshot(published)
        statements = attach_statements(published.warehouse, published.data)
        for earlier in range(times):
            load_more(published, earlier)
            said = self.keep_house(published)
            assert "past states removed" in said
            assert attach_statements(published.warehouse, published.data) == statements
            assert ask(statements, home, **password) == expected
        manifest = read_manifest(published.data.manifest)
        assert manifest is not None
        assert manifest.lake_version in self.versions(published)
        files_before = len([*Path(lake.data_path).rglob("*.parquet")])
        publish(published.warehouse, published.data, FOLLOWED)
        self.keep_house(published)
        assert manifest.lake_version not in self.versions(published)
        assert len([*Path(lake.data_path).rglob("*.parquet")]) < files_before
        statements = attach_statements(published.warehouse, published.data)
        assert ask(statements, home, **password) == in_snapshot(published)

    @pytest.mark.long
    def test_a_data_folder_without_the_publication_removes_no_state(self, published, tmp_path):
        load_more(published)
        before = self.versions(published)
        elsewhere = Followed(published.ncbi, tmp_path / "elsewhere", published.storage)
        assert "no past state removed" in self.keep_house(elsewhere)
        assert set(before) <= set(self.versions(published))

    def test_a_state_that_is_gone_is_not_printed(self, published):
        load_more(published)
        with published.warehouse.exclusive() as session:
            session.execute("CALL ducklake_expire_snapshots('warehouse', older_than => now())")
        with pytest.raises(NothingToAttach, match="`virus-warehouse publish`"):
            attach_statements(published.warehouse, published.data)
