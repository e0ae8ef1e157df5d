"""Progress of a run: a bar on a terminal, plain log lines otherwise."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from virus_warehouse.ncbi.client import Progress


@contextmanager
def shown_progress() -> Iterator[Callable[[Progress], None] | None]:
    """Show the progress of a run on standard error; gives the callback for the progress of a download."""
    # NCBI does not announce the size of a package, so the bar has no total.
    with _bar("download and load") as update:
        yield update and (lambda progress: update(None, progress.bytes, None))


@contextmanager
def shown_bytes() -> Iterator[Callable[[str, int, int], None] | None]:
    """Show on standard error how much of a file has been read; gives the callback: name, bytes so far, bytes in all."""
    with _bar("read") as update:
        yield update


@contextmanager
def _bar(description: str) -> Iterator[Callable[[str | None, int, int | None], None] | None]:
    """A bar on a terminal: what updates its description, bytes and total. Elsewhere None, and the log is shown."""
    if not sys.stderr.isatty():
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
        logging.getLogger("virus_warehouse").setLevel(logging.INFO)  # not of other libraries
        yield None
        return
    from rich.console import Console
    from rich.logging import RichHandler
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn
    from rich.progress import Progress as Display

    console = Console(stderr=True)
    logging.basicConfig(format="%(message)s", handlers=[RichHandler(console=console, show_path=False)])
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Display(*columns, TimeElapsedColumn(), console=console, transient=True) as display:
        task = display.add_task(description, total=None)
        yield lambda name, done, total: display.update(
            task, description=name or description, completed=done, total=total
        )


@contextmanager
def shown_count(unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many of all are done, on a terminal; gives the callback with both numbers.

    Args:
        unit: what is counted, in the plural.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn
    from rich.progress import Progress as Display

    with Display(*Display.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True)) as display:
        task = display.add_task(unit, total=None)
        yield lambda done, total: display.update(task, completed=done, total=total)
