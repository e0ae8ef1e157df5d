"""An Airflow connection to NCBI Datasets, as a client."""

import os

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from virus_warehouse.ncbi.client import NCBI_DATASETS_URL, DatasetsClient


class NcbiDatasetsHook(BaseHook):
    """Makes a `DatasetsClient` of an Airflow connection of type `http`.

    The environment wins over the connection, because it is where one run is pointed elsewhere: `NCBI_DATASETS_URL`
    over the connection's host, `NCBI_API_KEY` over its password. The default connection need not exist.

    Args:
        ncbi_datasets_conn_id: the connection; host is the API's base URL, password the API key.
    """

    conn_name_attr = "ncbi_datasets_conn_id"
    default_conn_name = "ncbi_datasets"
    conn_type = "http"
    hook_name = "NCBI Datasets"

    def __init__(self, ncbi_datasets_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.ncbi_datasets_conn_id = ncbi_datasets_conn_id

    def get_conn(self) -> DatasetsClient:
        """The client.

        Raises:
            AirflowNotFoundException: when a connection other than the default one does not exist.
        """
        connection = self._connection()
        base_url = os.environ.get("NCBI_DATASETS_URL") or _base_url(connection) or NCBI_DATASETS_URL
        api_key = os.environ.get("NCBI_API_KEY") or (connection.password if connection else None)
        return DatasetsClient(base_url, api_key or None)

    def _connection(self) -> Connection | None:
        try:
            return self.get_connection(self.ncbi_datasets_conn_id)
        except AirflowNotFoundException:
            if self.ncbi_datasets_conn_id != self.default_conn_name:
                raise
            return None


def _base_url(connection: Connection | None) -> str | None:
    """The host as the UI's form takes it, with or without scheme; a connection URI splits it into parts."""
    if connection is None or not connection.host:
        return None
    if "://" in connection.host:
        return connection.host
    port = f":{connection.port}" if connection.port else ""
    # In a connection URI (http://host/datasets/v2) the path arrives as the schema.
    path = f"/{connection.schema}" if connection.schema and connection.schema not in ("http", "https") else ""
    scheme = connection.schema if connection.schema in ("http", "https") else "https"
    return f"{scheme}://{connection.host}{port}{path}"
