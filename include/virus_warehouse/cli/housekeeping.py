"""`virus-warehouse housekeeping`: work that keeps a data folder small and quick over the years."""

import typer

from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.followed import followed_sources
from virus_warehouse.housekeeping import keep_house
from virus_warehouse.warehouse.connection import warehouse_of


def housekeeping() -> None:
    """Remove what is old or left by killed runs, and compact the sequence store; print what each part freed.

    Safe beside running loads; once a week is enough. The DAG ncbi_virus_housekeeping does the same.

    Exit code 0: done. 1: a part failed; the others are done. 2: wrong arguments or settings.
    """
    with explained():
        data = DataFolder.from_environment()
        lines = keep_house(warehouse_of(data), data, followed_sources(data))
    for line in lines:
        typer.echo(line)
