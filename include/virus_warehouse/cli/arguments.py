"""Arguments shared by several commands."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from duckdb import DuckDBPyConnection

from virus_warehouse.publish.gates import BLOCKING
from virus_warehouse.sources import read_sources, refuse_unknown_source, valid_sources
from virus_warehouse.warehouse import ledger


def one_of(names: Sequence[str], **settings: Any) -> Any:
    """An option that accepts one of these names.

    Args:
        names: the allowed values.
        settings: as `typer.Option` takes them; the option's names are `param_decls`.
    """

    def parse(value: str) -> str:
        if value not in names:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(names)}")
        return value

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return typer.Option(*settings.pop("param_decls", ()), parser=parse, autocompletion=complete, **settings)


def known_sources(incomplete: str) -> list[str]:
    """The sources of the sources file whose names begin so, for the shell's completion."""
    return [source.name for source in valid_sources() if source.name.startswith(incomplete)]


Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A source of the sources file.", autocompletion=known_sources)
]
AnySource = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Name of a source, followed or not.", autocompletion=known_sources)
]


def refuse_mistyped(source: str, session: DuckDBPyConnection) -> None:
    """Refuse a name that is neither in the sources file nor in the ledger.

    Args:
        source: the name.
        session: with the warehouse attached, in a transaction.

    Raises:
        UnknownSource: when it is in neither.
    """
    held = ledger.sources(session)
    if source not in held:  # a name in the ledger is known also when the file cannot be read
        followed = read_sources()
        refuse_unknown_source(source, {*held, *followed.sources, *followed.errors})


AcceptGate = Annotated[
    list[str] | None,
    one_of(
        BLOCKING,
        param_decls=["--accept"],
        metavar="GATE",
        help=f"Publish despite this gate's findings, for this publication only. Repeatable: {', '.join(BLOCKING)}.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
