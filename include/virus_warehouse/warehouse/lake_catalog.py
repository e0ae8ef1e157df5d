"""The PostgreSQL database of a lake's catalog, asked without DuckDB."""

import os
import platform
from contextlib import closing
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.abc import QueryNoTemplate
from psycopg.sql import SQL, Identifier

from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.storage import StorageUnreadable

CONNECT_SECONDS = 10

_KEEPALIVES = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}

_KEEPALIVES_OF_SERVER = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
"""PostgreSQL's own are two hours: for as long, a host that is lost would keep its lock."""


class CatalogUnavailable(StorageUnreadable):
    """The PostgreSQL database of the lake's catalog does not respond; nothing was changed."""


def has_catalog(address: LakeAddress) -> bool:
    """Whether the lake has been created.

    Raises:
        CatalogUnavailable: when the database cannot be reached.
    """
    return ask_once(address, "SELECT to_regclass(%s)", f'"{address.schema}".ducklake_metadata') != [(None,)]


def option_values(
    address: LakeAddress, option: str, connection: Connection | None = None
) -> list[tuple[str | None, str]]:
    """The values of an option of DuckLake's, each after its scope: `schema`, `table`, or None for the whole lake.

    Args:
        address: of the lake.
        option: its name.
        connection: to the database of the catalog; by default one of its own.

    Raises:
        CatalogUnavailable: when the database cannot be reached.
    """
    values = SQL("SELECT scope, value FROM {}.ducklake_metadata WHERE key = %s")
    sql = values.format(Identifier(address.schema))
    rows = ask_once(address, sql, option) if connection is None else _ask(address, connection, sql, option)
    return [(scope, value) for scope, value in rows]


def connected(address: LakeAddress) -> Connection:
    """A connection to the database of the catalog.

    Raises:
        CatalogUnavailable: when it cannot be reached.
    """
    catalog = address.catalog
    arguments: dict[str, Any] = {
        "host": catalog.host,
        "port": catalog.port,
        "dbname": catalog.database,
        "user": catalog.username,
        "password": catalog.password,
        "application_name": f"virus-warehouse on {platform.node()}, process {os.getpid()}",
        "connect_timeout": CONNECT_SECONDS,
        "options": _KEEPALIVES_OF_SERVER,
        **_KEEPALIVES,
    }
    try:
        return psycopg.connect(**arguments, autocommit=True)
    except psycopg.Error as error:
        raise CatalogUnavailable(unavailable(address, error)) from error


def ask_once(address: LakeAddress, sql: QueryNoTemplate, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a query, over a connection of its own.

    Raises:
        CatalogUnavailable: when the database cannot be reached.
    """
    with closing(connected(address)) as connection:
        return _ask(address, connection, sql, *values)


def _ask(address: LakeAddress, connection: Connection, sql: QueryNoTemplate, *values: object) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(sql, values).fetchall()
    except psycopg.Error as error:
        raise CatalogUnavailable(unavailable(address, error)) from error


def unavailable(address: LakeAddress, error: Exception) -> str:
    """What to say when the database cannot be reached.

    Args:
        address: of the lake.
        error: what psycopg raised.
    """
    # psycopg names host, port, database and user, never the password.
    return (
        f"{address}: its catalog cannot be reached. Start PostgreSQL, or correct the address of the warehouse "
        f"(VIRUS_WAREHOUSE, or the connection virus_warehouse). PostgreSQL says: {str(error).strip()}"
    )
