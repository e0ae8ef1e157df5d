"""`virus-warehouse fasta`: the sequences of a selection."""

from pathlib import Path
from typing import Annotated

import duckdb
import typer

from virus_warehouse.cli.arguments import one_of
from virus_warehouse.cli.failures import explained
from virus_warehouse.cli.progress import shown_count
from virus_warehouse.data_folder import DataFolder, nothing_published
from virus_warehouse.publish.export_formats.selection import sources_of
from virus_warehouse.sequences.fasta_file import fasta_file
from virus_warehouse.sequences.fasta_writer import write_fasta
from virus_warehouse.sequences.molecule import GENOME, MOLECULES
from virus_warehouse.sql_file import sql_text
from virus_warehouse.wording import counted

INCOMPLETE = 3
"""Exit code when records have no sequence; the others are written."""

_SHOWN_MISSING = 20


def fasta(
    query: Annotated[
        str | None,
        typer.Argument(
            metavar="QUERY", help="SQL with a column accession or accession_version, in the order to write; or:"
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="The present records of this source.")] = None,
    where: Annotated[
        str | None, typer.Option(metavar="SQL", help="Condition on virus_genome, such as \"country = 'Peru'\".")
    ] = None,
    molecule: Annotated[
        str, one_of([kind.name for kind in MOLECULES], metavar="MOLECULE", help="genome, cds or protein.")
    ] = GENOME.name,
    header: Annotated[
        str | None,
        typer.Option(metavar="TEMPLATE", help="Such as '{accession_version}|{country}'; NCBI's header by default."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="File, compressed if it ends in .gz or .zst; standard output by default.")
    ] = None,
) -> None:
    """Write sequences of the published snapshot as FASTA.

    Records without one are named on standard error, and the exit code is 3.
    """
    if query is None and source is None and where is None:
        raise typer.BadParameter("give a QUERY, or --source, or --where")
    if query is not None and (source is not None or where is not None):
        raise typer.BadParameter("--source and --where stand for a QUERY; give one or the other")
    data = DataFolder.to_query()
    with explained():
        if not data.snapshot.exists():
            typer.echo(nothing_published(data.snapshot), err=True)
            raise typer.Exit(1)
        with duckdb.connect(data.snapshot, read_only=True) as snapshot, shown_count("sequences") as progress:
            snapshot.execute("SET TimeZone = 'UTC'")
            if source is not None:
                sources_of(snapshot, source)
            with fasta_file(to) as file:
                selection = query or _selection(source, where)
                result = write_fasta(snapshot, selection, file, molecule, header=header, progress=progress)
    written = f"{counted(result.written, 'sequence')} written"
    typer.echo(written if to is None else f"{written} to {to}", err=True)
    if result.missing:
        _name_missing(result.missing, molecule)
        raise typer.Exit(INCOMPLETE)


def _name_missing(missing: list[str], molecule: str) -> None:
    shown = ", ".join(missing[:_SHOWN_MISSING])
    others = f" and {len(missing) - _SHOWN_MISSING} others" if len(missing) > _SHOWN_MISSING else ""
    have = "has" if len(missing) == 1 else "have"
    typer.echo(f"{counted(len(missing), 'record')} {have} no {molecule} sequence: {shown}{others}", err=True)


def _selection(source: str | None, where: str | None) -> str:
    conditions = [f"({where})"] if where else []
    if source:
        conditions.append(f"source = {sql_text(source)}")
    return (
        f"SELECT accession_version FROM main.virus_genome WHERE {' AND '.join(conditions)} "
        "ORDER BY accession, accession_version"
    )
