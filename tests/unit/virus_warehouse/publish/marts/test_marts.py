"""Properties of every mart."""

from pathlib import Path

import duckdb
import pytest

from tests.support.snapshots import snapshot_of
from tests.support.warehouses import Store, line, query
from virus_warehouse.publish import marts
from virus_warehouse.publish.candidate import open_candidate

FILES = Path(marts.__file__).parent / "marts"
VIEWS = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'mart' ORDER BY ALL"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store without marts; the tests create them as a publication does."""
    return Store(tmp_path)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The snapshot of a warehouse without rows."""
    return snapshot_of(Store(tmp_path_factory.mktemp("empty")))


def test_each_file_creates_only_the_mart_of_its_name(empty: Path) -> None:
    assert {file.stem for file in FILES.glob("*.sql")} == set(marts.MARTS)
    made = query(empty, f"{VIEWS}") + query(
        empty, "SELECT function_name FROM duckdb_functions() WHERE schema_name = 'mart'"
    )
    assert {name for (name,) in made} == set(marts.MARTS)


def test_every_mart_and_column_is_explained(empty: Path) -> None:
    unexplained = """
        SELECT view_name, NULL FROM duckdb_views() WHERE schema_name = 'mart' AND comment IS NULL
        UNION ALL
        SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'mart' AND comment IS NULL
        UNION ALL
        SELECT function_name, NULL FROM duckdb_functions() WHERE schema_name = 'mart' AND comment IS NULL
    """
    assert query(empty, unexplained) == []


def test_comments_are_joined_by_single_blanks_and_end_in_no_full_stop(empty: Path) -> None:
    comments = query(empty, "SELECT comment FROM duckdb_columns() WHERE schema_name = 'mart'")
    assert len(comments) > 80
    assert [comment for (comment,) in comments if comment.endswith(".") or "  " in comment] == []


def test_empty_warehouse_has_empty_marts(empty: Path) -> None:
    for (view,) in query(empty, VIEWS):
        count = query(empty, f"SELECT count(*) FROM mart.{view}")[0][0]
        assert (count > 0) == (view in ("segment_count", "segment_spelling", "source_status")), view
    assert query(empty, "FROM mart.change_since('2000-01-01')") == []


def test_mart_incompatible_with_the_tables_fails_before_publication(store: Store) -> None:
    store.first_load(line("PX1.1"))
    store.execute("ALTER TABLE virus_genome RENAME COLUMN country TO land")
    with pytest.raises(duckdb.BinderException, match="country"):
        snapshot_of(store)


def test_marts_replace_older_ones(store: Store) -> None:
    store.first_load(line("PX1.1"))
    snapshot = snapshot_of(store)
    before = query(snapshot, VIEWS)
    with open_candidate(snapshot) as connection:
        marts.create_marts(connection)
    assert query(snapshot, VIEWS) == before


def test_marts_work_in_a_snapshot_attached_under_another_name(store: Store) -> None:
    store.first_load(line("PX1.1"))
    with duckdb.connect() as session:
        session.execute(f"ATTACH '{snapshot_of(store)}' AS published (READ_ONLY)")
        views = session.execute(f"{VIEWS}").fetchall()
        assert len(views) == len(marts.MARTS) - 1
        for (view,) in views:
            session.execute(f"FROM published.mart.{view}").fetchall()
        session.execute("USE published")  # a macro looks for its tables where it is called
        assert len(session.execute("FROM mart.change_since('2000-01-01')").fetchall()) == 1
