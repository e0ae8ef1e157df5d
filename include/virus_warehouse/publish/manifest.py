"""The manifest of a snapshot: its files with their hashes, and what is in them, as `latest.json` beside it."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Self

import duckdb
from duckdb import DuckDBPyConnection
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from virus_warehouse.failure import PermanentFailure
from virus_warehouse.publish.about import snapshot_facts
from virus_warehouse.publish.sequences import parts_of
from virus_warehouse.session import memory_limit, threads_beside
from virus_warehouse.sql_file import read_sql, sql_text

FORMAT = 1
"""Raised when a reader of earlier manifests would misread a new one. New keys do not raise it."""

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_CHUNK_BYTES = 1 << 20


class ManifestError(PermanentFailure):
    """A manifest is missing, cannot be read, or does not list a file; says which, and what to do."""


def _below_the_manifest(name: str) -> str:
    if not all(_SEGMENT.fullmatch(segment) for segment in name.split("/")):
        raise ValueError("a path below the manifest's folder is needed, of letters, digits, '.', '_' and '-'")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ManifestFile(_Part):
    """A file of a snapshot.

    Attributes:
        name: its path, relative to the manifest.
        bytes: its size.
        sha256: its SHA-256, in hex.
    """

    name: Annotated[str, AfterValidator(_below_the_manifest)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Count(_Part):
    """The number of rows of a source in a table.

    Attributes:
        table: the table, in the schema `main`.
        source: the source; None for a table that all sources share.
        rows: how many.
    """

    table: str
    source: str | None
    rows: int


class Identity(_Part):
    """Identifies a snapshot without a hash.

    Attributes:
        publication_id: its publication. Snapshots of the first versions have none.
        made_at: when the publication made it: one that is repeated has the same id.
    """

    publication_id: str | None = None
    made_at: str | None = None

    def __str__(self) -> str:
        return f"{self.publication_id}, made at {self.made_at}"


class Manifest(Identity):
    """A snapshot's manifest.

    Attributes:
        format: the version of this format.
        loaded_until: commit time of the newest run in the warehouse, held back or not.
        lake_id: of the lake that the snapshot is a copy of; None where the warehouse was a file.
        lake_version: DuckLake's number of the state that was copied.
        last_run_id: the newest run in the snapshot.
        last_run_ended_at: when it ended.
        schema_revision: revision of the tables.
        virus_warehouse_version: version of this project that made it.
        duckdb_version: version of DuckDB that wrote it.
        files: its files. The first one is the snapshot, the others have the letters of its sequences.
        counts: rows by table and source.
    """

    format: int
    loaded_until: str | None = None
    lake_id: str | None = None
    lake_version: int | None = None
    last_run_id: str | None = None
    last_run_ended_at: str | None = None
    schema_revision: str | None = None
    virus_warehouse_version: str | None = None
    duckdb_version: str | None = None
    files: Annotated[tuple[ManifestFile, ...], Field(min_length=1)]
    counts: tuple[Count, ...] = ()

    @property
    def identity(self) -> Identity:
        """The snapshot that it describes."""
        return Identity(publication_id=self.publication_id, made_at=self.made_at)

    @property
    def day(self) -> str | None:
        """The day on which the snapshot was made, in UTC; None for snapshots of the first versions."""
        try:
            return date.fromisoformat((self.made_at or "")[:10]).isoformat()
        except ValueError:
            return None

    def describes(self, snapshot: Path) -> bool:
        """Whether it describes a file: by size, publication and time, which cost no reading of all its bytes."""
        return self.files[0].bytes == snapshot.stat().st_size and self.identity == identity_of(snapshot)

    def named(self, name: str) -> Self:
        """The same, for a copy of the snapshot with another name."""
        first, *others = self.files
        return self.model_copy(update={"files": (first.model_copy(update={"name": name}), *others)})

    def file(self, name: str) -> ManifestFile | None:
        """The file of this name; None if there is none."""
        return next((file for file in self.files if file.name == name), None)


def parse_manifest(text: bytes, place: object) -> Manifest:
    """Read a manifest, which may be of an unknown origin.

    Args:
        text: its content.
        place: where it is, for messages.

    Raises:
        ManifestError: when it is no manifest, or of a newer version.
    """
    try:
        content = json.loads(text)
        version = content["format"]
        if isinstance(version, int) and version > FORMAT:
            raise ManifestError(
                f"{place} has format {version}; this version reads format {FORMAT}: update virus-warehouse"
            )
        return Manifest.model_validate(content)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = _first_fault(error) if isinstance(error, ValidationError) else str(error) or type(error).__name__
        raise ManifestError(f"{place} is no manifest of a snapshot: {reason}") from error


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def read_manifest(path: Path) -> Manifest | None:
    """The manifest in a file of ours; None when there is none, or it cannot be read: it is then written again."""
    try:
        return parse_manifest(path.read_bytes(), path)
    except (FileNotFoundError, ManifestError):
        return None


def make_manifest(snapshot: Path, name: str, sequences: Path, known: Manifest | None = None) -> Manifest:
    """Describe a snapshot, or a candidate that nobody writes to any more. Reads all of it, for the hash.

    Args:
        snapshot: the file.
        name: what the file is called where it is published.
        sequences: the folder with the parts of the sequence store, beside the published snapshot.
        known: an earlier manifest: parts never change, so those that it lists are not read again, unless one has
            another size, because it was damaged then or is now.
    """
    with opened_snapshot(snapshot) as connection:
        parts = parts_of(connection)
        facts = snapshot_facts(connection)
        revision = schema_revision(connection)
        counts = count_rows(connection)
    listed = {file.name: file for file in known.files} if known else {}
    paths = {f"{sequences.name}/{part}": sequences / part for part in parts}
    return Manifest(
        format=FORMAT,
        **{name: facts.get(name) for name in Identity.model_fields},
        loaded_until=facts.get("loaded_until"),
        lake_id=facts.get("lake_id"),
        lake_version=int(facts["lake_version"]) if "lake_version" in facts else None,
        last_run_id=facts.get("last_run_id"),
        last_run_ended_at=facts.get("last_run_ended_at"),
        schema_revision=revision,
        virus_warehouse_version=facts.get("virus_warehouse"),
        duckdb_version=facts.get("duckdb"),
        files=(
            _file(snapshot, name),
            *(_listed(listed.get(part), path) or _file(path, part) for part, path in paths.items() if path.exists()),
        ),
        counts=tuple(counts),
    )


def _listed(known: ManifestFile | None, path: Path) -> ManifestFile | None:
    return known if known is not None and known.bytes == path.stat().st_size else None


def _file(path: Path, name: str) -> ManifestFile:
    with path.open("rb") as file:
        size, sha256 = digest(iter(lambda: file.read(_CHUNK_BYTES), b""))
    return ManifestFile(name=name, bytes=size, sha256=sha256)


def digest(chunks: Iterator[bytes], on_bytes: Callable[[int], None] = lambda _: None) -> tuple[int, str]:
    """The size and the SHA-256 of chunks of bytes.

    Args:
        chunks: the chunks.
        on_bytes: called after each chunk with the number of bytes so far.
    """
    size, sha256 = 0, hashlib.sha256()
    for chunk in chunks:
        sha256.update(chunk)
        size += len(chunk)
        on_bytes(size)
    return size, sha256.hexdigest()


@contextmanager
def opened_snapshot(snapshot: Path) -> Iterator[DuckDBPyConnection]:
    """A connection that reads a snapshot, and nothing else, whatever views the file has.

    It is attached to a new database: a second connection to the same path would reuse the file that the first one has
    open.
    """
    with duckdb.connect(config={"memory_limit": memory_limit(), "threads": threads_beside(0)}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH {sql_text(snapshot)} AS snapshot (READ_ONLY)")
        connection.execute("USE snapshot")
        connection.execute("SET enable_external_access = false")
        yield connection


def identity_of(snapshot: Path) -> Identity:
    """The identity of a snapshot, from its `_about`."""
    with opened_snapshot(snapshot) as connection:
        return Identity.model_validate(snapshot_facts(connection))


def schema_revision(connection: DuckDBPyConnection) -> str | None:
    """The schema revision of an open snapshot."""
    row = connection.execute("SELECT max(version_num) FROM ops.alembic_version").fetchone()
    return row[0] if row else None


def count_rows(connection: DuckDBPyConnection) -> list[Count]:
    """Count the rows of each table of an open snapshot, by source. A source without rows in a table is left out."""
    counts = []
    for table, has_source in connection.execute(read_sql("publish/sql/counted_tables.sql")).fetchall():
        source = "source" if has_source else "NULL"
        rows = f'SELECT {source} AS of_source, count(*) FROM main."{table}" GROUP BY of_source ORDER BY of_source'
        counted = connection.execute(rows).fetchall()
        counts += [Count(table=table, source=of_source, rows=count) for of_source, count in counted]
    return counts
