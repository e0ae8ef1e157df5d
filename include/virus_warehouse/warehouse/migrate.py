"""Upgrading a warehouse file to this version's schema, with Alembic.

Every run compares revisions, but only the first one after an update migrates: so Alembic is only imported then, which
takes longer than a whole small load.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.failure import PermanentFailure
from virus_warehouse.session import SessionSettings
from virus_warehouse.warehouse.incomplete_copy import refuse_incomplete_copy
from virus_warehouse.warehouse.schema import OPERATIONS_SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
"""Alembic's folder. The file of a revision begins with its number, which is higher than those before it.

The first one creates the warehouse. It took the place of nine before release 0.1.0 and has the number of the last.
"""

LAST_WITH_EARLIER_REVISIONS = "7d14b5a"
"""The last commit that migrates warehouses of revisions before the first one that is in `MIGRATIONS` now."""

REBUILD_OR_MIGRATE = (
    "`virus-warehouse rebuild --replace --from-oldest` rebuilds the warehouse from the archived packages, and keeps "
    f"this file under another name. Or run `make publish` once in a checkout of commit {LAST_WITH_EARLIER_REVISIONS}, "
    "which migrates the file."
)
"""The ways out for a warehouse that is too old."""

STORAGE_VERSION = "v1.4.0"
"""Oldest DuckDB that can read the file: from this format on, texts are compressed faster."""


class SchemaTooNew(PermanentFailure):
    """The warehouse was written by a newer version of this project; nothing was changed."""


class SchemaTooOld(PermanentFailure):
    """The warehouse has a schema from which this version has no migrations any more; nothing was changed."""


def alembic_config() -> "Config":
    """Alembic's configuration, for this module and for `alembic revision`."""
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


def revision_of(session: DuckDBPyConnection, name: str = "warehouse") -> str | None:
    """The schema revision of a warehouse, None without our schema.

    Args:
        session: where it is attached.
        name: what it is called there.
    """
    try:
        row = session.execute(f"SELECT version_num FROM {name}.ops.alembic_version").fetchone()
    except duckdb.CatalogException:
        return None
    return None if row is None else str(row[0])


def is_too_old(revision: str | None) -> bool:
    """Whether a revision comes before the first one that this version knows.

    Args:
        revision: what a file says, None for a file without our schema.
    """
    return revision is not None and revision < known_revisions()[-1]


def refuse_unknown_revision(revision: str | None, place: Path | str, *, if_too_old: str = REBUILD_OR_MIGRATE) -> None:
    """Reject a file of an unknown schema revision before it is touched.

    Args:
        revision: the file's revision, None for a file without our schema.
        place: the file, or another location of a warehouse.
        if_too_old: the ways out for a file with a schema that cannot be migrated any more.

    Raises:
        SchemaTooNew: when a newer version wrote the file.
        SchemaTooOld: when this version has no migrations from the file's revision.
        IncompleteCopy: when it is an unfinished copy of another warehouse.
    """
    refuse_incomplete_copy(revision, place)
    if is_too_old(revision):
        raise SchemaTooOld(
            f"{place} has schema revision {revision}; this version migrates revision {known_revisions()[-1]} and "
            f"later. {if_too_old}"
        )
    if revision is not None and revision not in known_revisions():
        raise SchemaTooNew(
            f"{place} has schema revision {revision}, which this version does not know: a newer version of "
            f"virus-warehouse wrote it. Update the checkout, or point VIRUS_DATA at another folder."
        )


def upgrade(path: Path, marker: str | None = None) -> None:
    """Create or migrate the warehouse file at `path`, in one transaction.

    Args:
        path: the file, created when missing.
        marker: what it says in place of its schema revision.

    Raises:
        sqlalchemy.exc.OperationalError: when another process has it open; `Warehouse` waits and calls again.
    """
    _upgrade(str(path), {"storage_compatibility_version": STORAGE_VERSION}, marker)


def upgrade_attached(
    settings: SessionSettings, attach: Callable[[DuckDBPyConnection], None], marker: str | None = None
) -> None:
    """Create or migrate the tables of a lake, in one transaction.

    Args:
        settings: what DuckDB is opened with.
        attach: attaches the lake to a session, and makes it the one that statements mean.
        marker: what it says in place of its schema revision.
    """
    _upgrade(":memory:", settings, marker, attach)


def _upgrade(
    database: str,
    config: SessionSettings,
    marker: str | None,
    attach: Callable[[DuckDBPyConnection], None] | None = None,
) -> None:
    from alembic import command
    from sqlalchemy import URL, NullPool, create_engine, event, text

    # Without a pool the file is closed, and its lock released, with the connection.
    engine = create_engine(URL.create("duckdb", database=database), poolclass=NullPool, connect_args={"config": config})
    if attach is not None:
        event.listen(engine, "connect", lambda opened, _: attach(opened.cursor()))
    settings = alembic_config()
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {OPERATIONS_SCHEMA}"))
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        # Views have no data and are recreated by every upgrade: a changed one needs a revision, which may be empty.
        for view in sorted((Path(__file__).parent / "views").glob("*.sql")):
            sql = view.read_text(encoding="utf-8")
            for statement in [sql] if attach is None else _without_comments(sql):
                connection.exec_driver_sql(statement)
        if marker is not None:
            connection.execute(
                text(f"UPDATE {OPERATIONS_SCHEMA}.alembic_version SET version_num = :marker"), {"marker": marker}
            )


def _without_comments(sql: str) -> list[str]:
    """The statements that a lake knows: it takes no comments on macros, nor on columns of views."""
    statements = [statement.query for statement in duckdb.extract_statements(sql)]
    return [statement for statement in statements if not re.search(r"^COMMENT ON", statement, re.MULTILINE)]
