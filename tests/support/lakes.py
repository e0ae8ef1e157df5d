"""Lakes for tests: a catalog in a real PostgreSQL, and Parquet files in a folder."""

import atexit
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from sqlalchemy import make_url

from tests.support.postgres import postgres
from tests.support.postgres import unavailable as unavailable_postgres
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse.connection import Warehouse, warehouse_at
from virus_warehouse.warehouse.lake_address import LakeAddress, lake_address
from virus_warehouse.warehouse.lake_storage import SESSION_SETTINGS, LakeStorage, create_secrets, load_extensions


def unavailable() -> str | None:
    """The reason why there can be no lake here, or None."""
    return without_extensions() or unavailable_postgres()


def without_extensions() -> str | None:
    """The reason why DuckDB's extensions cannot be loaded here, or None: they are for one version only."""
    package = find_spec("duckdb_extension_httpfs")
    if package is None:
        return "the packages of DuckDB's extensions are not installed"
    if (Path(str(package.origin)).parent / "extensions" / f"v{duckdb.__version__}").exists():
        return None
    return f"the packages of DuckDB's extensions are not for DuckDB {duckdb.__version__}"


NEEDS_LAKES = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

FILE, LAKE = "a file", "a lake"
"""Where a test keeps its warehouse: the fixture `kept`."""


def on_file_and_lake(on_file: list[Any], on_lake: list[Any]) -> pytest.MarkDecorator:
    """Parametrize a test with `kept` and `case`: cases of `some_of` for a file, and for a lake."""
    cases = [
        *(pytest.param(FILE, *case.values, marks=case.marks) for case in on_file),
        *(pytest.param(LAKE, *case.values, marks=[NEEDS_LAKES, *case.marks]) for case in on_lake),
    ]
    return pytest.mark.parametrize(("kept", "case"), cases, indirect=["kept"], scope="module")


@contextmanager
def catalogs() -> Iterator[str]:
    """A PostgreSQL server for the catalogs of lakes; yields the URL of its database."""
    with postgres() as url:
        yield catalog_url(url)


def catalog_url(url: str) -> str:
    """The URL of a database as the address of a lake has it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def new_lake(catalog: str, place: Path | str) -> LakeAddress:
    """The address of a lake that does not exist yet, with a schema of its own."""
    return lake_address(f"ducklake:{catalog}?data_path={place}/lake&schema=lake_{secrets.token_hex(4)}", "a test")


def new_database(catalog: str) -> str:
    """The URL of a new database of the server: a lake can be copied when it has one of its own."""
    name = f"lake_{secrets.token_hex(4)}"
    _run(catalog, f"CREATE DATABASE {name}")
    return make_url(catalog).set(database=name).render_as_string(hide_password=False)


def migrated_lake(catalog: str, place: Path) -> LakeAddress:
    """The address of a lake without rows, with a database of its own: migrating one takes seconds.

    Args:
        catalog: the URL of a database of the server.
        place: a folder; the files of the lake are in its folder `lake`.
    """
    original = _migrated_once(catalog)
    return _copied(original, place / "lake", f"lake_{secrets.token_hex(4)}")


@cache
def _migrated_once(catalog: str) -> LakeAddress:
    folder = Path(tempfile.mkdtemp(prefix="migrated-lake-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    lake = new_lake(new_database(catalog), folder)
    LakeStorage(lake).upgrade()
    return lake


def copy_lake(lake: LakeAddress, place: Path) -> LakeAddress:
    """A copy of a lake that a test can change, with its files in `place`; it replaces the copy made before.

    Nobody may be using the lake, and it must have a database of its own.
    """
    shutil.rmtree(place, ignore_errors=True)
    return _copied(lake, place / "lake", f"{lake.catalog.database}_copy")


def _copied(lake: LakeAddress, data_path: Path, database: str) -> LakeAddress:
    copy = replace(lake, catalog=lake.catalog.set(database=database), data_path=str(data_path))
    # From another database: nobody may be connected to the one that is copied.
    elsewhere = _url(replace(lake, catalog=lake.catalog.set(database="postgres")))
    _run(elsewhere, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    _run(elsewhere, f"CREATE DATABASE {database} TEMPLATE {lake.catalog.database}")
    shutil.copytree(lake.data_path, data_path)
    run_in_catalog(copy, f"UPDATE {lake.schema}.ducklake_metadata SET value = '{data_path}/' WHERE key = 'data_path'")
    return copy


def run_in_catalog(lake: LakeAddress, sql: str) -> None:
    """Run a statement in the database of a lake's catalog."""
    _run(_url(lake), sql)


def end_connections(lake: LakeAddress, applications: str) -> None:
    """Let PostgreSQL end the connections to a lake's catalog of the applications with such a name, as of `LIKE`."""
    run_in_catalog(
        lake,
        f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name LIKE '{applications}' "
        f"AND datname = current_database() AND pid != pg_backend_pid()",
    )


LOCK_HOLDERS = "virus-warehouse on %"
DUCKDB = ""
"""Names of applications: of the connections that hold locks, and of DuckDB's."""


def _run(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())


def _url(lake: LakeAddress) -> str:
    return lake.catalog.render_as_string(hide_password=False)


@dataclass(frozen=True)
class DataBesideLake(DataFolder):
    """A data folder whose warehouse is kept in a lake."""

    lake: LakeAddress


def beside_new_lake(root: Path, catalog: str) -> DataBesideLake:
    """A data folder, and beside it the files of a lake that does not exist yet, with a database of its own."""
    data = DataBesideLake(root, new_lake(new_database(catalog), _lake_beside(root)))
    data.create()
    return data


def place_of(data: DataFolder) -> Path | LakeAddress:
    """Where the warehouse of a data folder is kept."""
    return data.lake if isinstance(data, DataBesideLake) else data.warehouse


def warehouse_beside(data: DataFolder, lock_timeout: float = 120) -> Warehouse:
    """The warehouse of a data folder."""
    return warehouse_at(place_of(data), lock_timeout=lock_timeout)


def copy_data(data: DataFolder, root: Path) -> DataFolder:
    """A copy of a data folder and of its warehouse; that of a lake replaces the copy made before."""
    shutil.copytree(data.root, root)
    if isinstance(data, DataBesideLake):
        return DataBesideLake(root, copy_lake(data.lake, _lake_beside(root)))
    return DataFolder(root)


def _lake_beside(root: Path) -> Path:
    return root.with_name(f"{root.name} of a lake")


def attach_lake(session: duckdb.DuckDBPyConnection, address: LakeAddress) -> None:
    """Attach a lake as `warehouse`, to read, without anything of `Warehouse`."""
    load_extensions(session, address)
    create_secrets(session, address)
    session.execute(
        f"ATTACH 'ducklake:virus_warehouse_lake' AS warehouse (READ_ONLY, METADATA_SCHEMA '{address.schema}')"
    )


@contextmanager
def reading_lake(address: LakeAddress) -> Iterator[duckdb.DuckDBPyConnection]:
    """A session that has a lake as its database, to read; times are in UTC."""
    with duckdb.connect(config=SESSION_SETTINGS) as session:
        attach_lake(session, address)
        session.execute("USE warehouse; SET TimeZone = 'UTC'")
        yield session
