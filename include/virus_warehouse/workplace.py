"""A place to work in beside running loads, for what is no run itself."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.run_file import run_lock
from virus_warehouse.session import private_session


@contextmanager
def workplace(data: DataFolder, purpose: str) -> Iterator[tuple[DuckDBPyConnection, Path]]:
    """A private session and its folder, locked like a run's so that no run removes them as leftovers.

    Args:
        data: the data folder.
        purpose: the name of the folder begins with it.
    """
    name = f"{purpose}-{secrets.token_hex(3)}"
    temporary = data.temporary / name
    with ExitStack() as stack:
        stack.enter_context(run_lock(data.runs, name))
        temporary.mkdir(parents=True)
        stack.callback(shutil.rmtree, temporary, ignore_errors=True)
        yield stack.enter_context(private_session(temporary)), temporary
