"""The address of a lake: the PostgreSQL database of its catalog, and where its Parquet files are."""

from dataclasses import dataclass

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from virus_warehouse.data_folder import LAKE_PREFIX
from virus_warehouse.settings import SettingError

EXAMPLE = "ducklake:postgresql://user:password@host:5432/database?data_path=s3://bucket/lake"

_KEYS = {"data_path", "schema"}


@dataclass(frozen=True)
class LakeAddress:
    """The address of a lake.

    Attributes:
        catalog: URL of the PostgreSQL database.
        data_path: folder of the Parquet files, absolute, or `s3://bucket/prefix`.
        schema: schema of the database that has the catalog.
    """

    catalog: URL
    data_path: str
    schema: str = "virus_warehouse"

    def __str__(self) -> str:
        host = f"{self.catalog.host}:{self.catalog.port}" if self.catalog.port else self.catalog.host
        return f"{LAKE_PREFIX}postgresql://{host}/{self.catalog.database}?schema={self.schema}"

    @property
    def setting(self) -> str:
        """The address as `lake_address` reads it, with its password."""
        return f"{LAKE_PREFIX}{self._url.render_as_string(hide_password=False)}"

    @property
    def shown_setting(self) -> str:
        """The setting, with `***` for the password."""
        return f"{LAKE_PREFIX}{self._url.render_as_string(hide_password=True)}"

    @property
    def _url(self) -> URL:
        return self.catalog.update_query_dict({"data_path": self.data_path, "schema": self.schema})

    @property
    def password(self) -> str:
        """The password of the database; empty without one."""
        return str(self.catalog.password or "")


def is_lake(text: str) -> bool:
    """Whether this is meant as the address of a lake, and not as the path of a file."""
    return text.startswith(LAKE_PREFIX)


def lake_address(text: str, name: str, *, login: str | None = None, password: str | None = None) -> LakeAddress:
    """The address that a setting or a connection gives.

    Args:
        text: like `EXAMPLE`.
        name: of the setting, for messages, which have nothing of the text: it may contain a password.
        login: user of the database, for an address without one.
        password: of that user, for an address without one.

    Raises:
        SettingError: when it is no such address.
    """
    try:
        url = make_url(text.removeprefix(LAKE_PREFIX))
    except (ArgumentError, ValueError):
        raise SettingError(f"{name} is no address of a lake; it must be like {EXAMPLE}") from None
    unknown = sorted(set(url.query) - _KEYS)
    data_path, schema = url.query.get("data_path", ""), url.query.get("schema", LakeAddress.schema)
    if url.drivername not in ("postgresql", "postgres") or not url.host or not url.database:
        raise SettingError(f"{name} names no PostgreSQL database as the catalog of a lake; it must be like {EXAMPLE}")
    if unknown or not isinstance(data_path, str) or not isinstance(schema, str):
        raise SettingError(
            f"{name} may have data_path and schema, once each; it has {', '.join(unknown) or 'one of them twice'}. It "
            f"must be like {EXAMPLE}"
        )
    if not data_path.startswith(("s3://", "/")):
        raise SettingError(f"data_path in {name} must be an absolute path or begin with s3://; it is {data_path!r}")
    catalog = URL.create(
        "postgresql", url.username or login, url.password or password, url.host, url.port, url.database
    )
    return LakeAddress(catalog, data_path.rstrip("/"), schema)
