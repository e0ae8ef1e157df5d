"""The client of the checks that ask NCBI, with the settings that Airflow's tasks have, and less patience."""

from virus_warehouse.connection_fields import NCBI_CONNECTION, base_url_of, client_settings
from virus_warehouse.doctor.installation import NotExaminable
from virus_warehouse.environment_connection import connection_of
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.settings import SettingError

_ATTEMPTS, _CONNECT_SECONDS, _READ_SECONDS, _PATIENCE_SECONDS = 2, 5.0, 20.0, 30.0
"""A person waits for the answer, and a second attempt shows whether a failure lasts."""


def impatient_client() -> DatasetsClient:
    """A client with the base URL and API key of the environment, or else of its connection `ncbi_datasets`.

    Raises:
        NotExaminable: when a setting of the environment cannot be used, which is a finding of another check.
        SettingError: when the connection cannot be used.
    """
    try:
        DatasetsClient.from_environment().close()
    except SettingError as error:
        raise NotExaminable(f"{error}.", "settings") from error
    connection = connection_of(NCBI_CONNECTION)
    base_url = api_key = None
    if connection is not None:
        client_settings(connection.variable, connection.extra)  # tasks would refuse them
        base_url, api_key = base_url_of(connection.host, connection.port, connection.schema), connection.password
    return DatasetsClient.from_environment(
        base_url=base_url,
        api_key=api_key,
        patience=_PATIENCE_SECONDS,
        connection="the connection" if connection is None else connection.variable,
        attempts=_ATTEMPTS,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
    )


def asking_client() -> DatasetsClient:
    """The same, for a check that asks NCBI.

    Raises:
        NotExaminable: when a setting or the connection cannot be used, which are findings of other checks.
    """
    try:
        return impatient_client()
    except SettingError as error:
        raise NotExaminable(f"{error}.", "connections") from error
