"""Bringing a warehouse file to the schema this version knows, with Alembic.

Every run asks which revision is the newest, and only the first after an update migrates: so Alembic is imported there,
which takes longer than all that a small load does.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from virus_warehouse.warehouse.schema import OPERATIONS_SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
"""Alembic's folder. The file of a revision begins with its number, which is higher than those before it."""

STORAGE_VERSION = "v1.4.0"
"""Oldest DuckDB that reads a file made here: from this one on, texts are packed in two thirds of the time."""


class SchemaTooNew(RuntimeError):
    """The warehouse was written by a newer version of this project; nothing was changed."""


def alembic_config() -> "Config":
    """Alembic's configuration, for this module and for `alembic revision` when a migration is written."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@cache
def known_revisions() -> tuple[str, ...]:
    """The revisions that this version can read or upgrade from, newest first."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return tuple(sorted((file.name.split("_")[0] for file in files), reverse=True))


def newest_revision() -> str:
    """The revision that this version works with."""
    return known_revisions()[0]


def refuse_unknown_revision(revision: str | None, path: Path) -> None:
    """Stop before a file is touched that this version cannot know.

    Args:
        revision: what the file says, None for a file without our schema.
        path: the file.

    Raises:
        SchemaTooNew: when a newer version wrote the file.
    """
    if revision is not None and revision not in known_revisions():
        raise SchemaTooNew(
            f"{path} has schema revision {revision}, which this version does not know: a newer version of "
            f"virus-warehouse wrote it. Update the checkout, or point VIRUS_DATA at another folder."
        )


def upgrade(path: Path) -> None:
    """Create or migrate the warehouse file at `path`, in one transaction.

    Args:
        path: the file, created when missing.

    Raises:
        sqlalchemy.exc.OperationalError: when another process has it open; `Warehouse` waits and calls again.
    """
    from alembic import command
    from sqlalchemy import URL, NullPool, create_engine, text

    # Without a pool the file is closed, and its lock free, as soon as the connection is.
    engine = create_engine(
        URL.create("duckdb", database=str(path)),
        poolclass=NullPool,
        connect_args={"config": {"storage_compatibility_version": STORAGE_VERSION}},
    )
    config = alembic_config()
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {OPERATIONS_SCHEMA}"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        # Views hold no data: they are made anew with every upgrade, so a changed one needs a revision, if an empty one.
        for view in sorted((Path(__file__).parent / "views").glob("*.sql")):
            connection.exec_driver_sql(view.read_text(encoding="utf-8"))
