"""Proving a snapshot against its manifest, wherever both are."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.database_file import is_database, log_of
from virus_warehouse.publish.about import snapshot_facts
from virus_warehouse.publish.manifest import (
    Identity,
    Manifest,
    ManifestError,
    ManifestFile,
    count_rows,
    digest,
    opened_snapshot,
    parse_manifest,
    schema_revision,
)
from virus_warehouse.publish.places import LocalFile, Missing, Place, RemoteFile, local_copy
from virus_warehouse.warehouse.migrate import known_revisions

logger = logging.getLogger(__name__)

LATEST, SNAPSHOT = "latest.json", "virus.duckdb"

_LONGEST_MANIFEST = 16 << 20
_LOG_INTERVAL = 5.0
_TRIES = 3
_SHOWN_COUNTS = 5

OnProgress = Callable[[str, int, int], None]
"""Called with a file's name, its bytes read so far, and its bytes in the manifest."""


@dataclass(frozen=True)
class Difference:
    """What a file has other than its manifest.

    Attributes:
        file: the file's name in the manifest.
        what: what was compared.
        expected: what the manifest says.
        found: what the file has.
        way_out: what to do.
    """

    file: str
    what: str
    expected: str
    found: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}: expected {self.expected}, found {self.found}. {self.way_out}"


@dataclass(frozen=True)
class Verified:
    """A snapshot that was compared with its manifest.

    Attributes:
        place: where the manifest is.
        manifest: the manifest.
        files: the files that were compared.
        differences: what differs; empty if they are whole.
    """

    place: str
    manifest: Manifest
    files: Sequence[ManifestFile]
    differences: Sequence[Difference]


def place_of(text: str) -> Place:
    """A file or folder of this machine, or a URL.

    Raises:
        ValueError: for a URL that is neither of http nor of https.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        return LocalFile(Path(text))
    if scheme.lower() not in ("http", "https") or not rest.strip("/"):
        raise ValueError(f"{scheme}://… is no URL that can be read: name one of http or https, a file or a folder")
    return RemoteFile(text)


def verify(target: Place, manifest: Place | None = None, on_progress: OnProgress | None = None) -> Verified:
    """Compare the files of a snapshot with its manifest: size, SHA-256, publication, schema revision and counts.

    Nothing is kept in memory but a chunk. A file of a web server is copied to a temporary file, for DuckDB.

    Args:
        target: the snapshot, its manifest, or the folder of both. A snapshot is compared alone, otherwise every file of
            the manifest is.
        manifest: the manifest, if it is not beside the snapshot.
        on_progress: called after each chunk.

    Raises:
        ManifestError: when there is no manifest, or it does not list the file.
        PlaceError: when a file cannot be read.
    """
    is_manifest = manifest is None and target.name.endswith(".json") and not target.is_folder()
    place = manifest or (target if is_manifest else _manifest_of(target))
    if isinstance(target, LocalFile) and isinstance(place, LocalFile) and not (target.exists() or place.exists()):
        raise Missing(f"{target} does not exist")
    where = target.below if target.is_folder() else place.beside if is_manifest else None
    read = _read(place)
    for remaining in reversed(range(_TRIES)):
        if where:
            files = [(file, where(file.name)) for file in read.files]
        else:
            files = [(_entry(read, place, target.name), target)]
        differences = [found for file, there in files for found in _differences(there, file, read, on_progress)]
        if not differences or not remaining:
            break
        # A publication may have replaced both meanwhile.
        before, read = read, _read(place)
        if before == read:
            break
        logger.info("%s has changed meanwhile; comparing again", place)
    return Verified(str(place), read, [file for file, _ in files], differences)


def _manifest_of(target: Place) -> Place:
    if target.is_folder():
        return target.below(LATEST)
    return target.beside(LATEST if target.name == SNAPSHOT else f"{target.name.rpartition('.')[0] or target.name}.json")


def _read(place: Place) -> Manifest:
    text = b""
    try:
        with place.chunks() as chunks:
            for chunk in chunks:
                text += chunk
                if len(text) > _LONGEST_MANIFEST:
                    raise ManifestError(f"{place} is no manifest of a snapshot: it has more than 16 MiB")
    except Missing as error:
        raise ManifestError(
            f"{error}: without a manifest nothing can be compared. `virus-warehouse publish` writes one beside the "
            f"snapshot; name one that is elsewhere with --manifest"
        ) from error
    return parse_manifest(text, place)


def _entry(manifest: Manifest, place: Place, name: str) -> ManifestFile:
    """The file in the manifest that has this name; of a renamed one, the only snapshot."""
    snapshots = [file for file in manifest.files if file.name.endswith(".duckdb")]
    found = manifest.file(name) or (snapshots[0] if len(snapshots) == 1 and name.endswith(".duckdb") else None)
    if found is None:
        raise ManifestError(f"{place} does not list {name}; it has {', '.join(file.name for file in manifest.files)}")
    return found


def _differences(
    where: Place, file: ManifestFile, manifest: Manifest, on_progress: OnProgress | None
) -> list[Difference]:
    again = (
        "If a publication is under way, try again in a minute; else fetch the file and its manifest again, or ask the "
        "publisher."
    )
    if isinstance(where, LocalFile):
        again = "`virus-warehouse publish` publishes a new snapshot; of a copy, fetch it and its manifest again."
    try:
        with _compared(where, file, on_progress) as (copy, size, sha256):
            found = []
            if size != file.bytes:
                found.append(Difference(file.name, "bytes", f"{file.bytes:,}", f"{size:,}", again))
            elif sha256 != file.sha256:
                found.append(Difference(file.name, "SHA-256", file.sha256, sha256, again))
            if file.name.endswith(".duckdb"):
                found += _database_differences(copy, file.name, manifest, again, is_whole=not found)
    except Missing:
        return [Difference(file.name, "the file", f"{file.bytes:,} bytes", "no file", again)]
    return found


@contextmanager
def _compared(where: Place, file: ManifestFile, on_progress: OnProgress | None) -> Iterator[tuple[Path, int, str]]:
    """Read a file; gives the path of it or of a copy, its size and its SHA-256."""
    longest = 2 * file.bytes + (64 << 20)
    with ExitStack() as stack:
        chunks = stack.enter_context(where.chunks())
        if isinstance(where, LocalFile):
            yield where.path, *digest(_limited(chunks, longest), _reporter(file, on_progress))
            return
        copy = stack.enter_context(local_copy(file.bytes))
        with copy.open("wb") as kept:
            size, sha256 = digest(_written(_limited(chunks, longest), kept.write), _reporter(file, on_progress))
        yield copy, size, sha256


def _limited(chunks: Iterator[bytes], longest: int) -> Iterator[bytes]:
    """Chunks of a file that may be another than expected, but not without an end."""
    size = 0
    for chunk in chunks:
        yield chunk
        size += len(chunk)
        if size > longest:
            return


def _written(chunks: Iterator[bytes], write: Callable[[bytes], object]) -> Iterator[bytes]:
    for chunk in chunks:
        write(chunk)
        yield chunk


def _reporter(file: ManifestFile, on_progress: OnProgress | None) -> Callable[[int], None]:
    last = time.monotonic()

    def report(size: int) -> None:
        nonlocal last
        if on_progress is not None:
            on_progress(file.name, size, file.bytes)
        if time.monotonic() - last >= _LOG_INTERVAL:
            last = time.monotonic()
            logger.info("%s: read %.1f of %.1f MB", file.name, size / 1e6, file.bytes / 1e6)

    return report


def _database_differences(
    snapshot: Path, name: str, manifest: Manifest, again: str, *, is_whole: bool
) -> Iterator[Difference]:
    """What DuckDB finds in a snapshot. Of one that is not whole only the publication is read, to name it."""
    if not is_database(snapshot):
        yield Difference(name, "kind of file", "a DuckDB database", "another one", again)
        return
    if log_of(snapshot).exists():
        way_out = f"Delete {log_of(snapshot)}: DuckDB would apply it to what it reads."
        yield Difference(name, "write-ahead log", "none", "one beside the file", way_out)
        return
    try:
        with opened_snapshot(snapshot) as connection:
            facts = snapshot_facts(connection)
            identity = Identity.model_validate(facts)
            if identity != manifest.identity:
                yield _other_publication(name, manifest.identity, identity, again)
            elif is_whole:
                yield from _content_differences(connection, name, manifest, again)
    except duckdb.Error as error:
        if is_whole:
            again = f"DuckDB {duckdb.__version__} is installed, and {manifest.duckdb_version} wrote it: update DuckDB."
        reason = str(error).splitlines()[0]
        yield Difference(name, "opens with DuckDB", "yes", f"no: {reason}", again)


def _other_publication(name: str, expected: Identity, found: Identity, again: str) -> Difference:
    is_newer = (found.made_at or "") > (expected.made_at or "")
    which = "newer" if is_newer else "older"
    other = "older" if is_newer else "newer"
    way_out = f"The file is {which} than its manifest, the manifest {other} than its file: a publication or a copy of "
    return Difference(name, "publication", str(expected), str(found), f"{way_out}them was interrupted. {again}")


def _content_differences(
    connection: DuckDBPyConnection, name: str, manifest: Manifest, again: str
) -> Iterator[Difference]:
    revision, known = schema_revision(connection), known_revisions()
    if revision != manifest.schema_revision:
        yield Difference(name, "schema revision", str(manifest.schema_revision), str(revision), again)
    elif revision not in known:
        way_out = "Update virus-warehouse, or use the version that made it. DuckDB can query it all the same."
        yield Difference(name, "known schema revision", f"one of {', '.join(sorted(known))}", str(revision), way_out)
    expected = {(count.table, count.source): count.rows for count in manifest.counts}
    tables = {table for table, _ in expected}
    found = {(count.table, count.source): count.rows for count in count_rows(connection) if count.table in tables}
    different = sorted(
        (key for key in expected.keys() | found.keys() if expected.get(key, 0) != found.get(key, 0)), key=str
    )
    for table, source in different[:_SHOWN_COUNTS]:
        key, of = (table, source), f" of {source}" if source else ""
        yield Difference(name, f"rows{of} in {table}", f"{expected.get(key, 0):,}", f"{found.get(key, 0):,}", again)
    if different[_SHOWN_COUNTS:]:
        further = len(different) - _SHOWN_COUNTS
        yield Difference(name, "rows", "as in the manifest", f"{further} further differences", again)
