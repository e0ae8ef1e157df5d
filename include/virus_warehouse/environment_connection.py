"""Airflow's connections where the environment has them, in variables `AIRFLOW_CONN_...`, read as Airflow reads them."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from virus_warehouse.settings import SettingError

_EXTRA = "__extra__"
"""The key of a URI's query under which Airflow puts extra fields that are no plain texts."""


@dataclass(frozen=True)
class EnvironmentConnection:
    """A connection. Its password and extra fields are not in its repr.

    Attributes:
        variable: the variable that has it.
        host: the host, with a protocol if it was given with one.
        schema: Airflow's name for the path of a URI.
        port: the port.
        password: the password.
        extra: the extra fields.
    """

    variable: str
    host: str | None = None
    schema: str | None = None
    port: int | None = None
    password: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


def variable_of(conn_id: str) -> str:
    """The variable in which Airflow looks for a connection."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def connection_of(conn_id: str) -> EnvironmentConnection | None:
    """The connection that the environment has; None without one. Others, in Airflow's database say, are not read.

    Raises:
        SettingError: when Airflow could not read it; the message has nothing of its value, which may be a secret.
    """
    variable = variable_of(conn_id)
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    try:
        return _of_json(variable, text) if text.startswith("{") else _of_uri(variable, text)
    except (ValueError, TypeError, AttributeError):  # not chained: the error would repeat parts of the value
        raise SettingError(
            f"{variable} is no connection; it must be a URI such as {conn_id.replace('_', '-')}://host, or a JSON "
            f"object with the key host"
        ) from None


def _of_json(variable: str, text: str) -> EnvironmentConnection:
    fields = json.loads(text)
    port = fields.get("port")
    return EnvironmentConnection(
        variable,
        host=fields.get("host"),
        schema=fields.get("schema"),
        port=int(port) if port else None,
        password=fields.get("password"),
        extra=_extra(fields.get("extra")),
    )


def _of_uri(variable: str, text: str) -> EnvironmentConnection:
    protocols = text.count("://")
    if protocols not in (1, 2):
        raise ValueError("not a URI")
    # In http://https://host the first is the connection's type, and the second belongs to the host.
    conn_type, _, rest = text.partition("://")
    parts = urlsplit(rest if protocols == 2 else f"//{rest}")
    if protocols == 2 and not parts.scheme:
        raise ValueError(f"no protocol after {conn_type}")
    host = _host(parts.netloc, parts.hostname or "")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return EnvironmentConnection(
        variable,
        host=f"{parts.scheme}://{host}" if host and protocols == 2 else host,
        schema=unquote(parts.path[1:]),
        port=parts.port,
        password=unquote(parts.password) if parts.password else parts.password,
        extra=_extra(query[_EXTRA]) if _EXTRA in query else query,
    )


def _host(netloc: str, hostname: str) -> str:
    if "/" not in unquote(hostname):
        return unquote(hostname)
    # A path or a URL in the host's place: `hostname` has made its letters small.
    return unquote(netloc.rpartition("@")[2].partition(":")[0])


def _extra(extra: object) -> Mapping[str, Any]:
    """The extra fields; none where they are no JSON object, as for Airflow."""
    if isinstance(extra, str) and extra:
        extra = json.loads(extra)
    return extra if isinstance(extra, dict) else {}
