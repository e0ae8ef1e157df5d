import hashlib
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from duckdb import DuckDBPyConnection
from duckdb_sqlalchemy.datatypes import Struct
from sqlalchemy import URL, MetaData, NullPool, create_engine

from tests.support.later_revision import add_later_revision
from tests.support.tiers import some_of
from tests.support.warehouses import Store, line, query
from virus_warehouse.warehouse import migrate, schema
from virus_warehouse.warehouse.connection import Warehouse


def revision(path: Path) -> list[tuple[str]]:
    return query(path, "SELECT version_num FROM ops.alembic_version")


def use(path: Path) -> None:
    with duckdb.connect() as session, Warehouse(path, lock_timeout=2).transaction(session):
        assert session.execute("SELECT count(*) FROM warehouse.main.virus_genome").fetchall()


@pytest.mark.slow
def test_migrated_file_is_what_the_schema_says(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    migrate.upgrade(path)
    # The dialect calls a schema by its catalog's name too.
    known = MetaData()
    for table in schema.metadata.sorted_tables:
        table.to_metadata(known, schema=f"warehouse.{table.schema}" if table.schema else None)
    with create_engine(URL.create("duckdb", database=str(path)), poolclass=NullPool).connect() as connection:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name in (None, "warehouse.ops"),
            "include_object": lambda _, name, *others: name != "alembic_version",
            # Structs are reflected with other names for the same types; the next test compares those.
            "compare_type": lambda *types: False if isinstance(types[-1], Struct) else None,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, known) == []
        known.remove(next(table for table in known.sorted_tables if table.name == "taxon"))
        assert len(compare_metadata(context, known)) == 1, "the comparison sees nothing"


@pytest.mark.slow
def test_types_and_order_of_columns_are_what_the_schema_says(tmp_path: Path) -> None:
    # Reflection is coarse about DuckDB's own types, so the two are also compared as DuckDB sees them.
    columns = (
        "SELECT schema_name, table_name, column_index, column_name, data_type, is_nullable, comment "
        "FROM duckdb_columns() WHERE table_name IN (SELECT table_name FROM duckdb_tables()) "
        "AND table_name <> 'alembic_version' ORDER BY ALL"
    )
    migrate.upgrade(tmp_path / "migrated.duckdb")
    url = URL.create("duckdb", database=str(tmp_path / "created.duckdb"))
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA ops")
        schema.metadata.create_all(connection)
    assert query(tmp_path / "migrated.duckdb", columns) == query(tmp_path / "created.duckdb", columns)


def test_there_is_one_newest_revision() -> None:
    scripts = ScriptDirectory.from_config(migrate.alembic_config())
    assert migrate.known_revisions() == tuple(script.revision for script in scripts.walk_revisions())
    assert scripts.get_heads() == [migrate.newest_revision()]


@pytest.mark.slow
def test_alembic_is_not_imported_before_something_is_to_be_migrated(tmp_path: Path) -> None:
    path = Store(tmp_path).warehouse.path
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from virus_warehouse import ingest\n"
        "from virus_warehouse.warehouse.connection import Warehouse\n"
        "from virus_warehouse.session import private_session\n"
        "path = Path(sys.argv[1])\n"
        "with private_session(path.parent) as session, Warehouse(path).transaction(session):\n"
        "    print(*(name for name in sys.modules if name.startswith('alembic')))\n",
        encoding="utf-8",
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, program, path], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


def test_missing_file_is_made_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "warehouse.duckdb"
    use(path)
    assert revision(path) == [(migrate.newest_revision(),)]


@pytest.mark.parametrize("name", some_of(["with space", "it's", "50%25", "é", "a#b"], one_in=2, first=1))
def test_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    use(tmp_path / name / "warehouse.duckdb")
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "warehouse.duckdb").exists()


def nothing(connection: DuckDBPyConnection) -> None:
    pass


def somebody_elses_table(connection: DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE notes (text VARCHAR)")


@pytest.mark.parametrize("content", [nothing, somebody_elses_table])
def test_file_without_our_schema_is_migrated(tmp_path: Path, content: object) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        content(connection)  # type: ignore[operator]
    use(path)
    assert revision(path) == [(migrate.newest_revision(),)]


def test_file_that_is_made_is_packed_as_newer_files_are(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    use(path)
    [(tags,)] = query(path, "SELECT tags FROM duckdb_databases() WHERE database_name = 'warehouse'")
    assert tags["storage_version"].startswith(migrate.STORAGE_VERSION)


def test_file_at_the_newest_revision_is_not_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.load(line())
    before = store.warehouse.path.read_bytes()
    use(store.warehouse.path)
    assert store.warehouse.path.read_bytes() == before


def test_file_of_a_newer_version_is_refused_with_the_way_out_and_left_as_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.load(line())
    store.execute("UPDATE ops.alembic_version SET version_num = '9999'")
    store.execute("CHECKPOINT")
    path = store.warehouse.path
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(migrate.SchemaTooNew) as refused:
        use(path)
    assert str(path) in str(refused.value)
    assert "schema revision 9999" in str(refused.value)
    assert "Update the checkout, or point VIRUS_DATA at another folder" in str(refused.value)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    with duckdb.connect(path) as connection:  # and its lock is free
        assert connection.execute("SELECT count(*) FROM virus_genome").fetchall() == [(1,)]


@pytest.mark.parametrize("revision", ["0001", "0008"])
def test_file_that_is_no_longer_migrated_is_refused_with_the_ways_out_and_left_as_it_is(
    tmp_path: Path, revision: str
) -> None:
    store = Store(tmp_path)
    store.load(line())
    store.execute(f"UPDATE ops.alembic_version SET version_num = '{revision}'")
    store.execute("CHECKPOINT")
    path = store.warehouse.path
    before = path.read_bytes()
    with pytest.raises(migrate.SchemaTooOld) as refused:
        use(path)
    for words in (
        f"{path} has schema revision {revision}; this version migrates revision 0009 and later",
        "`virus-warehouse rebuild --replace --from-oldest`",
        "`make publish` once in a checkout of commit 7d14b5a",
    ):
        assert words in str(refused.value)
    with pytest.raises(migrate.SchemaTooOld), Warehouse(path).exclusive():
        pass
    assert path.read_bytes() == before


def test_file_that_is_no_longer_migrated_can_be_read_as_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.load(line())
    store.execute("UPDATE ops.alembic_version SET version_num = '0005'")
    with duckdb.connect() as session, store.warehouse.transaction(session, even_too_old=True):
        assert session.execute("SELECT count(*) FROM warehouse.main.virus_genome").fetchall() == [(1,)]
    with store.warehouse.exclusive(even_too_old=True) as connection:
        assert connection.execute("SELECT count(*) FROM virus_genome").fetchall() == [(1,)]
    assert revision(store.warehouse.path) == [("0005",)]


@pytest.mark.slow
def test_later_revision_migrates_a_file_of_this_version_and_keeps_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.load(line("PX1.1"), "{")
    before = store.rows("FROM virus_genome"), store.rows("FROM ops.quarantine")
    later = add_later_revision(tmp_path, monkeypatch)
    use(store.warehouse.path)
    assert revision(store.warehouse.path) == [(later,)]
    assert (store.rows("FROM virus_genome"), store.rows("SELECT * EXCLUDE note FROM ops.quarantine")) == before
    use(tmp_path / "new.duckdb")
    for path in (store.warehouse.path, tmp_path / "new.duckdb"):
        assert query(path, "SELECT DISTINCT note FROM ops.quarantine") in ([(None,)], [])
    monkeypatch.undo()
    with pytest.raises(migrate.SchemaTooNew, match=later):
        use(store.warehouse.path)
