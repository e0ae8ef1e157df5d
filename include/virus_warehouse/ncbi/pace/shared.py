"""The pace that all share who use one API key, or none, at one host."""

import hashlib
import os
from urllib.parse import urlsplit

import sqlalchemy
from sqlalchemy import URL

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ncbi.pace.in_file import InFile
from virus_warehouse.ncbi.pace.in_postgres import InPostgres
from virus_warehouse.ncbi.pace.pace import Pace
from virus_warehouse.ncbi.pace.store import Store
from virus_warehouse.settings import SettingError

SETTING = "NCBI_DATASETS_PACE"

# NCBI's limits (NCBI Datasets README, "API keys"), in requests a second.
_WITHOUT_KEY, _WITH_KEY = 5, 10

_DRIVERS = {
    # Which driver this is would otherwise depend on the version of SQLAlchemy.
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    # As Airflow's own setting has it.
    "postgresql+psycopg2": "postgresql+psycopg2",
}
"""The drivers to use, by the one that a URL names."""


def limit_of(has_api_key: bool) -> int:
    """Requests that NCBI allows in a second."""
    return _WITH_KEY if has_api_key else _WITHOUT_KEY


def limit_name(base_url: str, api_key: str | None) -> str:
    """The name of the limit that applies to requests: NCBI counts them by key, or by sender without one.

    The key cannot be found from the name: its hash is cut off after 32 of the key's 144 bits.
    """
    parts = urlsplit(base_url)
    host = f"{parts.hostname}:{parts.port or (80 if parts.scheme == 'http' else 443)}"
    return f"{host}#{hashlib.sha256(api_key.encode()).hexdigest()[:8]}" if api_key else host


def shared_pace(base_url: str, api_key: str | None) -> Pace:
    """The pace in the database that `NCBI_DATASETS_PACE` names, or else in a file of the data folder.

    Args:
        base_url: the API's base URL.
        api_key: the API key.

    Raises:
        SettingError: when the setting names no database that can be used.
    """
    name, limit = limit_name(base_url, api_key), limit_of(api_key is not None)
    stores: list[Store] = [InFile(DataFolder.to_read().pace, name, limit)]
    if (url := database()) is not None:
        stores.insert(0, _in_postgres(url, name, limit))
    return Pace(limit, *stores)


def database() -> URL | None:
    """The database that `NCBI_DATASETS_PACE` names; None without the setting.

    Raises:
        SettingError: when it names none. Of the value, which may have a password, nothing is shown.
    """
    given = os.environ.get(SETTING)
    if not given:
        return None
    try:
        url = sqlalchemy.make_url(given)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in _DRIVERS:
        raise SettingError(
            f"{SETTING} is no URL of a PostgreSQL database; it must be like postgresql://user:password@host/database"
        ) from None
    return url.set(drivername=_DRIVERS[url.drivername])


def _in_postgres(url: URL, name: str, limit: int) -> InPostgres:
    try:
        return InPostgres(url, name, limit)
    except ImportError as error:
        raise SettingError(
            f"{SETTING} needs the driver {url.get_driver_name()!r}, which cannot be loaded; install it, or the extra "
            f"`postgres` of virus-warehouse"
        ) from error
