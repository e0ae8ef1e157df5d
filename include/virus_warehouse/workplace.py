"""A place to work in beside running loads, for what is no run itself."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.run_file import run_lock
from virus_warehouse.session import SessionSettings, private_session
from virus_warehouse.warehouse.connection import Warehouse


@contextmanager
def workplace(data: DataFolder, purpose: str, *warehouses: Warehouse) -> Iterator[tuple[DuckDBPyConnection, Path]]:
    """A private session and its folder, locked like a run's so that no run removes them as leftovers.

    Args:
        data: the data folder.
        purpose: the name of the folder begins with it.
        warehouses: what will be attached to the session.
    """
    name = f"{purpose}-{secrets.token_hex(3)}"
    temporary = data.temporary / name
    with ExitStack() as stack:
        stack.enter_context(run_lock(data.runs, name))
        temporary.mkdir(parents=True)
        stack.callback(shutil.rmtree, temporary, ignore_errors=True)
        settings: SessionSettings = {}
        for warehouse in warehouses:
            settings |= warehouse.session_settings
        yield stack.enter_context(private_session(temporary, settings)), temporary
