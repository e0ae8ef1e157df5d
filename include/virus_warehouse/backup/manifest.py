"""The manifest of a back-up: its files with their hashes, and the rows of its warehouse, as `backup.json` in it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated

import duckdb
from duckdb import DuckDBPyConnection
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from virus_warehouse.failure import PermanentFailure
from virus_warehouse.session import memory_limit, threads_beside
from virus_warehouse.sql_file import sql_text

FORMAT = 1
"""Raised when a reader of earlier manifests would misread a new one. New keys do not raise it."""

NAME = "backup.json"
DATA, WAREHOUSE, SOURCES, AIRFLOW = "data", "warehouse.duckdb", "sources.yaml", "airflow.dump"
"""In a back-up: the data folder, in it the warehouse; beside it the sources file, and a dump of Airflow's database."""


class BackupError(PermanentFailure):
    """A back-up cannot be made, read or restored; says why, and what to do."""


def _within_the_backup(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or str(PurePosixPath(*parts)) != path:
        raise ValueError("a path within the back-up is needed")
    return path


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class BackedUpFile(_Part):
    """A file of a back-up.

    Attributes:
        path: its path in the back-up.
        bytes: its size.
        sha256: its SHA-256, in hex.
        modified_ns: when the original was last modified, in nanoseconds since 1970.
        mode: permissions of the original. In a back-up nobody may write.
    """

    path: Annotated[str, AfterValidator(_within_the_backup)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    modified_ns: int
    mode: Annotated[int, Field(ge=0, le=0o777)]


class BackupManifest(_Part):
    """What is in a back-up.

    Attributes:
        format: the version of this format.
        made_at: when the warehouse was copied.
        data_folder: where the data folder was.
        virus_warehouse_version: version of this project that made it.
        duckdb_version: version of DuckDB that wrote the warehouse last.
        schema_revision: revision of the warehouse's tables.
        rows: the number of rows of each table of the warehouse.
        files: the files.
    """

    format: int
    made_at: str
    data_folder: str
    virus_warehouse_version: str
    duckdb_version: str
    schema_revision: str | None
    rows: dict[str, int]
    files: tuple[BackedUpFile, ...]

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)

    def by_path(self) -> dict[str, BackedUpFile]:
        """The files by their paths."""
        return {file.path: file for file in self.files}


def read_manifest(backup: Path) -> BackupManifest:
    """Read the manifest of a back-up.

    Raises:
        BackupError: when it is missing, cannot be read, or is of a newer version.
    """
    path = backup / NAME
    try:
        content = json.loads(path.read_bytes())
        version = content.get("format") if isinstance(content, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise BackupError(
                f"{path} has format {version}; this version reads format {FORMAT}: update virus-warehouse"
            )
        return BackupManifest.model_validate(content)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BackupError(
            f"{backup} is no back-up: it has no {NAME}. Name a folder that `virus-warehouse backup` has made, or the "
            f"folder with all of them"
        ) from error
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise BackupError(f"{path} cannot be read: {where}: {fault['msg']}. Use another back-up") from error
    except ValueError as error:
        raise BackupError(f"{path} cannot be read: {error}. Use another back-up") from error


def count_rows(connection: DuckDBPyConnection) -> dict[str, int]:
    """The number of rows of each table of the current database.

    Args:
        connection: with the warehouse as its current database.
    """
    tables = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND NOT temporary ORDER BY ALL"
    ).fetchall()
    return {table: _count(connection, table) for (table,) in tables}


def _count(connection: DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


@contextmanager
def opened_copy(warehouse: Path) -> Iterator[DuckDBPyConnection]:
    """A connection that reads a copied warehouse, whatever its schema, and nothing else.

    Raises:
        duckdb.Error: when it cannot be opened.
    """
    with duckdb.connect(config={"memory_limit": memory_limit(), "threads": threads_beside(0)}) as connection:
        connection.execute(f"ATTACH {sql_text(warehouse)} AS warehouse (READ_ONLY)")
        connection.execute("USE warehouse")
        connection.execute("SET enable_external_access = false")
        yield connection
