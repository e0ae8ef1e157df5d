"""The Airflow connection to the warehouse, as a `Warehouse`."""

import os
from pathlib import Path

from airflow.providers.duckdb.hooks.duckdb import DuckDBHook
from airflow.sdk.exceptions import AirflowNotFoundException

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse.connection import Warehouse

DEFAULT_CONN_ID = "virus_warehouse"


def get_warehouse(data: DataFolder, conn_id: str = DEFAULT_CONN_ID) -> Warehouse:
    """The warehouse that a connection of type `duckdb` names.

    `VIRUS_WAREHOUSE` wins over the connection's path; without both it is `warehouse.duckdb` in the data folder.

    Args:
        data: where the warehouse lies when nothing names another place.
        conn_id: the connection; the default one need not exist.

    Raises:
        AirflowNotFoundException: when a connection other than the default one does not exist.
    """
    if os.environ.get("VIRUS_WAREHOUSE"):
        return Warehouse(data.warehouse)
    try:
        return Warehouse(Path(DuckDBHook(duckdb_conn_id=conn_id).get_database()))
    except AirflowNotFoundException:
        if conn_id != DEFAULT_CONN_ID:
            raise
        return Warehouse(data.warehouse)
