"""The files of a folder in a bucket."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from virus_warehouse.bucket.address import BucketAddress, bucket_access
from virus_warehouse.failure import Failure
from virus_warehouse.settings import SettingError

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Config, S3Store

CONNECT_SECONDS, RETRY_SECONDS = 10, 60
"""How long to wait for a connection, and how long to try again."""

CHUNK_BYTES = 4 << 20


class BucketUnavailable(Failure, OSError):
    """The bucket does not respond, or refuses; what is committed is not affected, and a retry may succeed."""


@dataclass(frozen=True)
class BucketFile:
    """A file in a bucket.

    Attributes:
        path: its path in the folder.
        etag: changes with its contents.
        bytes: its size.
        modified_at: when it was last written.
    """

    path: str
    etag: str
    bytes: int
    modified_at: datetime


class Bucket:
    """A folder in a bucket, reached with the environment's access.

    Args:
        address: the folder.
    """

    def __init__(self, address: BucketAddress) -> None:
        self.address = address

    def files(self) -> Iterator[BucketFile]:
        """All files in the folder.

        Raises:
            BucketUnavailable: when they cannot be listed.
        """
        with self._explained():
            for some in self._library.list(self._store):
                for one in some:
                    yield _file(one["path"], one)

    def file(self, path: str) -> BucketFile | None:
        """A file; None when it is not in the bucket.

        Args:
            path: its path in the folder.

        Raises:
            BucketUnavailable: when it cannot be asked for.
        """
        try:
            with self._explained():
                one = self._library.head(self._store, path)
        except FileNotFoundError:
            return None
        return _file(path, one)

    def fetch(self, path: str, destination: Path) -> BucketFile:
        """Write a file's contents to a path here, which is created or replaced, durably.

        Args:
            path: its path in the folder.
            destination: the path here.

        Raises:
            FileNotFoundError: when it is not in the bucket.
            BucketUnavailable: when it cannot be read whole.
            OSError: when it cannot be written.
        """
        with self._explained():
            response = self._library.get(self._store, path)
            found = _file(path, response.meta)
        received = 0
        with destination.open("wb") as file:
            chunks = iter(response.stream(min_chunk_size=CHUNK_BYTES))
            while (chunk := self._next(chunks)) is not None:
                file.write(chunk)
                received += len(chunk)
            file.flush()
            os.fsync(file.fileno())
        if received != found.bytes:
            raise BucketUnavailable(f"{self.address}/{path}: {received} of {found.bytes} bytes arrived. Try again")
        return found

    def send(self, path: str, file: Path) -> str:
        """Write a file, whole or not at all; returns its etag.

        Args:
            path: its path in the folder.
            file: what to send.

        Raises:
            FileNotFoundError: when it is not here.
            BucketUnavailable: when it cannot be written.
        """
        file.stat()  # what is not here shall not be reported as not there
        with self._explained():
            return str(self._library.put(self._store, path, file)["e_tag"])

    def copy(self, path: str, other: str) -> str:
        """Write a file once more, without sending it; returns the etag of the copy.

        Args:
            path: its path in the folder.
            other: the path of the copy.

        Raises:
            FileNotFoundError: when it is not in the bucket.
            BucketUnavailable: when it cannot be written.
        """
        with self._explained():
            self._library.copy(self._store, path, other)
            return str(self._library.head(self._store, other)["e_tag"])

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files; none of them need be there.

        Args:
            paths: their paths in the folder.

        Raises:
            BucketUnavailable: when one cannot be removed.
        """
        with self._explained():
            for path in paths:
                with suppress(FileNotFoundError):
                    self._library.delete(self._store, path)

    @cached_property
    def _library(self) -> ModuleType:
        try:
            import obstore
        except ImportError as error:
            raise SettingError(
                "obstore is not installed. Install what a bucket needs with `pip install 'virus-warehouse[lake]'`"
            ) from error
        return obstore

    @cached_property
    def _store(self) -> "S3Store":
        from obstore.store import S3Store

        access = bucket_access()
        given = {
            "access_key_id": access.key_id,
            "secret_access_key": access.secret,
            "session_token": access.session_token,
            "region": access.region,
            "endpoint": access.endpoint,
        }
        config: S3Config = {"virtual_hosted_style_request": access.endpoint is None}
        config |= {name: value for name, value in given.items() if value is not None}  # type: ignore[typeddict-item]
        return S3Store(
            self.address.bucket,
            prefix=self.address.prefix or None,
            config=config,
            client_options={
                "allow_http": (access.endpoint or "").startswith("http://"),
                "connect_timeout": f"{CONNECT_SECONDS}s",
                # Of a whole response, which a large file on a slow line exceeds.
                "timeout": "1h",
            },
            retry_config={"retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        )

    def _next(self, chunks: Iterator[object]) -> memoryview | None:
        with self._explained():
            chunk = next(chunks, None)
            return None if chunk is None else memoryview(chunk)  # type: ignore[arg-type]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        refused = self._library.exceptions.BaseError
        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._unavailable(error) from error
            raise
        except (refused, PermissionError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> BucketUnavailable:
        said = str(error).partition("\n\nDebug source")[0]
        return BucketUnavailable(
            f"{self.address} cannot be used. Check VIRUS_DATA, that the bucket exists, and AWS_ENDPOINT_URL, "
            f"AWS_REGION and the key. The server says: {said}"
        )


def _file(path: str, said: "ObjectMeta") -> BucketFile:
    return BucketFile(path, said["e_tag"] or "", said["size"], said["last_modified"])
