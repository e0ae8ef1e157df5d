"""Where a snapshot and its manifest can be: in a folder, or on a web server."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import quote, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from virus_warehouse import __version__
from virus_warehouse.failure import Failure
from virus_warehouse.shortage import DiskFull, translate_resource_errors

_CHUNK_BYTES = 1 << 20
_TIMEOUTS = (10.0, 60.0)
"""Seconds to connect, and of silence."""


class PlaceError(Failure):
    """A file cannot be read where it should be; says why, and what to do."""


class Missing(PlaceError):
    """There is no such file."""


class Place(Protocol):
    """A file, or what could be one. Its text is for messages, and shows no password."""

    @property
    def name(self) -> str:
        """The file's name."""

    def beside(self, name: str) -> Self:
        """A file in the same folder, or below it."""

    def below(self, name: str) -> Self:
        """A file in this folder."""

    def is_folder(self) -> bool:
        """Whether it is a folder of files."""

    @contextmanager
    def chunks(self) -> Iterator[Iterator[bytes]]:
        """The file's content, a chunk at a time.

        Raises:
            PlaceError: when it cannot be read.
        """
        yield iter(())


class LocalFile:
    """A file of this machine.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def beside(self, name: str) -> Self:
        """A file in the same folder, or below it."""
        return type(self)(self.path.parent / name)

    def below(self, name: str) -> Self:
        """A file in this folder."""
        return type(self)(self.path / name)

    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.path.is_dir()

    def exists(self) -> bool:
        """Whether there is a file or folder."""
        return self.path.exists()

    @contextmanager
    def chunks(self) -> Iterator[Iterator[bytes]]:
        """The file's content, a chunk at a time."""
        try:
            with self.path.open("rb") as file:
                yield iter(lambda: file.read(_CHUNK_BYTES), b"")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise Missing(f"{self} does not exist") from error
        except OSError as error:
            if error.filename is None:  # of what the chunks were for
                raise
            raise PlaceError(f"{self} cannot be read: {error.strerror}") from error


class RemoteFile:
    """A file on a web server.

    Args:
        url: where it is, with http or https.
    """

    def __init__(self, url: str, session: requests.Session | None = None) -> None:
        self.url = url
        self._session = session or _session()

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @property
    def name(self) -> str:
        """The file's name."""
        return urlsplit(self.url).path.rpartition("/")[2]

    def beside(self, name: str) -> Self:
        """A file in the same folder, or below it, with the same query, which may hold a signature."""
        parts = urlsplit(self.url)
        path = f"{parts.path.rpartition('/')[0]}/{quote(name)}"
        return type(self)(urlunsplit(parts._replace(path=path, fragment="")), self._session)

    def below(self, name: str) -> Self:
        """A file in this folder."""
        parts = urlsplit(self.url)
        path = f"{parts.path.rstrip('/')}/{quote(name)}"
        return type(self)(urlunsplit(parts._replace(path=path, fragment="")), self._session)

    def is_folder(self) -> bool:
        """Whether it is a folder of files: its name has no suffix."""
        return "." not in self.name

    @contextmanager
    def chunks(self) -> Iterator[Iterator[bytes]]:
        """The file's content, a chunk at a time."""
        try:
            with self._session.get(self.url, stream=True, timeout=_TIMEOUTS) as response:
                if response.status_code in (404, 410):
                    raise Missing(f"{self} does not exist: the server answers {response.status_code}")
                if response.status_code != requests.codes.ok:
                    raise PlaceError(
                        f"{self} cannot be read: the server answers {response.status_code} {response.reason}"
                    )
                yield response.iter_content(_CHUNK_BYTES)
        except (requests.RequestException, HTTPError) as error:
            reason = _without_query(error, self.url)
            raise PlaceError(
                f"{self} cannot be read: {reason}. Check the URL and the network, and try again"
            ) from error


@contextmanager
def local_copy(room_for: int) -> Iterator[Path]:
    """The path of a temporary file for a copy, removed afterwards.

    Args:
        room_for: bytes that are expected.

    Raises:
        PlaceError: when the disk has not enough space.
    """
    too_full = PlaceError(
        f"the disk of {tempfile.gettempdir()} is too full for a copy, which has {room_for:,} bytes. Free some space, "
        f"or set TMPDIR to a folder on a larger disk, and try again"
    )
    with tempfile.TemporaryDirectory(prefix="virus-warehouse-verify-") as folder:
        if shutil.disk_usage(folder).free < room_for:
            raise too_full
        try:
            with translate_resource_errors(Path(folder)):
                yield Path(folder, "copy.duckdb")
        except DiskFull as error:
            raise too_full from error


def _session() -> requests.Session:
    session = requests.Session()
    # A compressed answer would have another length, and other bytes than the file.
    session.headers.update({"User-Agent": f"virus-warehouse/{__version__}", "Accept-Encoding": "identity"})
    retries = Retry(total=3, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retries))
    return session


def _without_query(error: Exception, url: str) -> str:
    """An error's message without the URL's query and password."""
    text, parts = str(error), urlsplit(url)
    for secret in (parts.query, parts.password):
        if secret:
            text = text.replace(secret, "...")
    return text
