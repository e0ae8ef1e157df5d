"""Files that only their owner, and perhaps a group, may open."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

WORLD = 0o007


@contextmanager
def without_world_access() -> Iterator[None]:
    """Create files and folders that the rest of the machine can neither read nor write; also as a decorator.

    What the process's own umask withholds from group and owner stays withheld. DuckDB and zip files alike are
    made by code that asks for no mode, hence the umask.
    """
    before = os.umask(0o077)
    os.umask(before | WORLD)
    try:
        yield
    finally:
        os.umask(before)
