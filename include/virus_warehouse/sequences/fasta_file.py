"""The file that FASTA is written to: plain or compressed by its name, whole or not at all; or standard output."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from isal import igzip

_BUFFER_BYTES = 1 << 20


@contextmanager
def fasta_file(path: Path | None) -> Iterator[IO[bytes]]:
    """A file to write to, which replaces an earlier one at the end of the block, if that ends well.

    Args:
        path: the file, compressed if its name ends in `.gz` or `.zst`; a pipe or a device is written to as it is. None
            for standard output.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists() and not path.is_file():  # a pipe or a device is not replaced, nor is a folder
        with _opened(path, path.suffix) as file:
            yield file
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "rb") as opened:
            with _opened(unfinished, path.suffix) as file:
                yield file
            os.fsync(opened.fileno())
        unfinished.chmod(0o666 & ~_umask())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _opened(path: Path, suffix: str) -> IO[bytes]:
    if suffix == ".gz":
        return cast("IO[bytes]", igzip.open(path, "wb"))  # type: ignore[no-untyped-call]
    if suffix == ".zst":
        import pyarrow as pa  # not for every command: it takes as long as the rest of its start

        return cast("IO[bytes]", pa.output_stream(path, compression="zstd"))
    return path.open("wb", buffering=_BUFFER_BYTES)


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
