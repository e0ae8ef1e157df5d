"""The Airflow connection to NCBI Datasets."""

from collections.abc import Callable
from typing import Any

from airflow.sdk import Connection

from ncbi_virus.hooks.default_connection import DefaultConnectionHook
from ncbi_virus.provider import CLIENT_FIELDS
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.settings import SettingError

_NUMBERS: dict[str, Callable[[Any], float]] = {"number": float, "integer": int}
"""How an extra field's text is read, by its type in the form."""


class NcbiDatasetsHook(DefaultConnectionHook):
    """Creates a `DatasetsClient` from an Airflow connection of type `ncbi_datasets`, or `http`.

    The environment takes precedence over the connection: `NCBI_DATASETS_URL` over its host, `NCBI_API_KEY` over its
    password, `NCBI_DATASETS_PATIENCE` (seconds that NCBI may be silent altogether in one download) over its extra field
    `patience`. The other extra fields are `attempts`, `connect_timeout`, `read_timeout` and `backoff_factor`, as in
    `DatasetsClient`. The default connection may be missing.

    Args:
        ncbi_datasets_conn_id: the connection; host is the API's base URL, password the API key.
    """

    conn_name_attr = "ncbi_datasets_conn_id"
    default_conn_name = "ncbi_datasets"
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
            base_url=_base_url(connection),
            api_key=connection.password,
            connection=f"the connection {connection.conn_id!r}",
            **_settings(connection),
        )

    def test_connection(self) -> tuple[bool, str]:
        """Whether NCBI Datasets, or the connection's host, responds."""
        try:
            with self.get_conn() as client:
                return True, f"{client.base_url} responds, version {client.version()}"
        except Exception as error:  # shown in the form
            return False, str(error)


def _base_url(connection: Connection) -> str | None:
    """The base URL: complete in the host, as in the UI's form, or in the parts of a connection URI."""
    if not connection.host:
        return None
    if "://" in connection.host:
        return connection.host
    if connection.schema in ("http", "https"):
        scheme, path = connection.schema, ""
    else:
        # Airflow splits http://127.0.0.1:8081/datasets/v2 into a connection type, a host, a port and a "schema". A
        # server with an explicit port is a local one; no key is sent to others in clear text.
        scheme, path = ("http" if connection.port else "https"), f"/{connection.schema or ''}".rstrip("/")
    port = f":{connection.port}" if connection.port else ""
    return f"{scheme}://{connection.host}{port}{path}"


def _settings(connection: Connection) -> dict[str, Any]:
    extra = connection.extra_dejson
    settings = {}
    for name in CLIENT_FIELDS.keys() & extra.keys():
        try:
            number = _NUMBERS[CLIENT_FIELDS[name].type](extra[name])
        except (TypeError, ValueError):
            number = -1
        if not (number > 0 or (number == 0 and name == "backoff_factor")):
            raise SettingError(
                f"connection {connection.conn_id}: its extra field {name} is {extra[name]!r}; it must be a positive "
                f"number"
            )
        settings[name] = number
    return settings
