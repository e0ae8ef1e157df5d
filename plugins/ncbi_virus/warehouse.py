"""The Airflow connection to the warehouse, as a `Warehouse`."""

import os
from pathlib import Path

from airflow.providers.duckdb.hooks.duckdb import DuckDBHook
from airflow.sdk.exceptions import AirflowNotFoundException

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse.connection import Warehouse

DEFAULT_CONN_ID = "virus_warehouse"


class NoWarehousePath(ValueError):
    """A connection names no file on this machine."""


def get_warehouse(data: DataFolder, conn_id: str = DEFAULT_CONN_ID) -> Warehouse:
    """The warehouse that a connection of type `duckdb` names.

    `VIRUS_WAREHOUSE` wins over the connection's path; without both it is `warehouse.duckdb` in the data folder.

    Args:
        data: where the warehouse lies when nothing names another place.
        conn_id: the connection; the default one need not exist.

    Raises:
        AirflowNotFoundException: when a connection other than the default one does not exist.
        NoWarehousePath: when the connection names no file.
    """
    if os.environ.get("VIRUS_WAREHOUSE"):
        return Warehouse(data.warehouse)
    try:
        database = DuckDBHook(duckdb_conn_id=conn_id).get_database()
    except AirflowNotFoundException:
        if conn_id != DEFAULT_CONN_ID:
            raise
        return Warehouse(data.warehouse)
    # What follows md: can be a token, which no error may tell.
    if database in ("", ":memory:") or database.startswith(("md:", "motherduck:")):
        found = "no path" if database in ("", ":memory:") else "a database of MotherDuck's"
        raise NoWarehousePath(
            f"the connection {conn_id!r} has {found}: its field Path must name a DuckDB file on this machine, such as "
            f"{data.warehouse}. Without the connection {DEFAULT_CONN_ID!r}, that one is used."
        )
    return Warehouse(Path(database))
