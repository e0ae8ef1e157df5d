"""`virus-warehouse housekeeping`: work that keeps a warehouse small and quick over the years."""

import typer

from virus_warehouse.cli.failures import explained
from virus_warehouse.compaction import compact
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.wording import counted


def housekeeping() -> None:
    """Compact the sequence store: many small files become one. Safe beside running loads; once a week is enough."""
    with explained():
        data = DataFolder.from_environment()
        done = compact(Warehouse(data.warehouse), data)
    if not done.parts:
        typer.echo("The sequence store has few small files: nothing to do.")
        return
    typer.echo(
        f"{counted(done.parts, 'file')} of the sequence store became one, with {counted(done.sequences, 'sequence')}; "
        f"{counted(done.dropped, 'sequence')} that no record needs dropped. The old files are removed after two days."
    )
