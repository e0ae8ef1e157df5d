"""Folders in memory, for tests that would otherwise mostly wait for the disk."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")


@contextmanager
def memory_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory while the block lasts, or `otherwise` where the system has no such place."""
    if not os.access(MEMORY, os.W_OK):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(prefix="virus-warehouse-", dir=MEMORY) as made:
        yield Path(made)
