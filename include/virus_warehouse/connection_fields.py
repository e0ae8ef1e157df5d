"""What the fields of Airflow's connections mean here. The reader of a connection passes them; this knows no Airflow."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from virus_warehouse.settings import SettingError
from virus_warehouse.warehouse.lake_address import LakeAddress, is_lake, lake_address

NCBI_CONNECTION, WAREHOUSE_CONNECTION = "ncbi_datasets", "virus_warehouse"
"""The ids of the default connections."""

CLIENT_SETTINGS: Mapping[str, Callable[[Any], float]] = {
    "patience": float,
    "attempts": int,
    "connect_timeout": float,
    "read_timeout": float,
    "backoff_factor": float,
}
"""The extra fields of a connection to NCBI Datasets, and how their texts are read."""


class NoWarehousePath(SettingError):
    """A connection does not name a file on this machine."""


def base_url_of(host: str | None, port: int | None, schema: str | None) -> str | None:
    """The base URL of a connection to NCBI Datasets; None when it has no host.

    It is complete in the host, as in the UI's form, or in the parts of a connection URI.
    """
    if not host:
        return None
    if "://" in host:
        return host
    if schema in ("http", "https"):
        scheme, path = schema, ""
    else:
        # Airflow splits http://127.0.0.1:8081/datasets/v2 into a connection type, a host, a port and a "schema". A
        # server with an explicit port is a local one; no key is sent to others in clear text.
        scheme, path = ("http" if port else "https"), f"/{schema or ''}".rstrip("/")
    return f"{scheme}://{host}{f':{port}' if port else ''}{path}"


def client_settings(conn_id: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `DatasetsClient` in the extra fields of a connection; others are ignored.

    Raises:
        SettingError: when one of them is no positive number.
    """
    settings = {}
    for name in CLIENT_SETTINGS.keys() & extra.keys():
        try:
            number = CLIENT_SETTINGS[name](extra[name])
        except (TypeError, ValueError):
            number = -1
        if not (number > 0 or (number == 0 and name == "backoff_factor")):
            raise SettingError(
                f"connection {conn_id}: its extra field {name} is {extra[name]!r}; it must be a positive number"
            )
        settings[name] = number
    return settings


def warehouse_place_of(
    conn_id: str,
    host: str | None,
    password: str | None,
    extra: Mapping[str, Any],
    default: Path,
    login: str | None = None,
) -> Path | LakeAddress:
    """The file, or the address of the lake, of a connection to the warehouse.

    Args:
        conn_id: the connection's id.
        host: its host.
        password: its password, which only a lake or a remote database has.
        extra: its extra fields.
        default: the file that is used without the connection, for the message.
        login: its user, which only a lake has.

    Raises:
        NoWarehousePath: when it names no file, and no lake.
        SettingError: when the address of a lake is invalid.
    """
    if host and is_lake(host):
        return lake_address(host, f"the host of the connection {conn_id!r}", login=login, password=password)
    path = extra.get("database") or host or ""
    is_remote = path.startswith(("md:", "motherduck:")) or extra.get("motherduck_token") or password
    if is_remote or path in ("", ":memory:"):
        # Text after md: may be a token, which errors must not show.
        found = "a MotherDuck database" if is_remote else "no path"
        raise NoWarehousePath(
            f"the connection {conn_id!r} has {found}: its field DuckDB file must name one on this machine, such as "
            f"{default}. Without the connection {WAREHOUSE_CONNECTION!r}, that one is used."
        )
    return Path(path)
