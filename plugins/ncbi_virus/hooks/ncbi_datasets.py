"""The Airflow connection to NCBI Datasets."""

from ncbi_virus.hooks.default_connection import DefaultConnectionHook
from virus_warehouse.connection_fields import NCBI_CONNECTION, base_url_of, client_settings
from virus_warehouse.ncbi.client import DatasetsClient


class NcbiDatasetsHook(DefaultConnectionHook):
    """Creates a `DatasetsClient` from an Airflow connection of type `ncbi_datasets`, or `http`.

    The environment takes precedence over the connection: `NCBI_DATASETS_URL` over its host, `NCBI_API_KEY` over its
    password, `NCBI_DATASETS_PATIENCE` (seconds that NCBI may be silent altogether in one download) over its extra field
    `patience`. The other extra fields are `attempts`, `connect_timeout`, `read_timeout` and `backoff_factor`, as in
    `DatasetsClient`. The default connection may be missing. All tasks share NCBI's limit of requests: in the data
    folder, or in the database that `NCBI_DATASETS_PACE` names.

    Args:
        ncbi_datasets_conn_id: the connection; host is the API's base URL, password the API key.
    """

    conn_name_attr = "ncbi_datasets_conn_id"
    default_conn_name = NCBI_CONNECTION
    conn_type = "ncbi_datasets"
    hook_name = "NCBI Datasets"

    def __init__(self, ncbi_datasets_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.ncbi_datasets_conn_id = ncbi_datasets_conn_id

    def get_conn(self) -> DatasetsClient:
        """The client.

        Raises:
            AirflowNotFoundException: when a connection other than the default one does not exist.
            SettingError: when a field of the connection, or a variable that takes precedence, cannot be used.
        """
        connection = self.connection_or_none()
        if connection is None:
            return DatasetsClient.from_environment()
        return DatasetsClient.from_environment(
            base_url=base_url_of(connection.host, connection.port, connection.schema),
            api_key=connection.password,
            connection=f"the connection {connection.conn_id!r}",
            **client_settings(connection.conn_id, connection.extra_dejson),
        )

    def test_connection(self) -> tuple[bool, str]:
        """Whether NCBI Datasets, or the connection's host, responds."""
        try:
            with self.get_conn() as client:
                return True, f"{client.base_url} responds, version {client.version()}"
        except Exception as error:  # shown in the form
            return False, str(error)
