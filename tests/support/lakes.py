"""Lakes for tests: a catalog in a real PostgreSQL, and Parquet files in a folder."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import duckdb_extension_httpfs
import pytest
from sqlalchemy import make_url

from tests.support.postgres import postgres
from tests.support.postgres import unavailable as unavailable_postgres
from virus_warehouse.warehouse.lake_address import LakeAddress, lake_address
from virus_warehouse.warehouse.lake_storage import create_secrets, load_extensions


def unavailable() -> str | None:
    """The reason why there can be no lake here, or None."""
    return without_extensions() or unavailable_postgres()


def without_extensions() -> str | None:
    """The reason why DuckDB's extensions cannot be loaded here, or None: they are for one version only."""
    if (Path(str(duckdb_extension_httpfs.__file__)).parent / "extensions" / f"v{duckdb.__version__}").exists():
        return None
    return f"the packages of DuckDB's extensions are not for DuckDB {duckdb.__version__}"


NEEDS_LAKES = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


@contextmanager
def catalogs() -> Iterator[str]:
    """A PostgreSQL server for the catalogs of lakes; yields the URL of its database."""
    with postgres() as url:
        yield make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def new_lake(catalog: str, place: Path | str) -> LakeAddress:
    """The address of a lake that does not exist yet, with a schema of its own."""
    return lake_address(f"ducklake:{catalog}?data_path={place}/lake&schema=lake_{secrets.token_hex(4)}", "a test")


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
    with duckdb.connect() as session:
        attach_lake(session, address)
        session.execute("USE warehouse; SET TimeZone = 'UTC'")
        yield session
