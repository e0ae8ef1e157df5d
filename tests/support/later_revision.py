"""A revision that a later version might have, on top of the newest one."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from virus_warehouse.warehouse import migrate

MIGRATION = '''"""Note what a person thinks of a refused line."""

from alembic import op

revision = "{revision}"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE ops.quarantine ADD COLUMN note VARCHAR")
'''


def add_later_revision(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let this be that version, for the rest of a test; `ops.quarantine` has a column `note` in it.

    Args:
        folder: where the migrations are copied to.
        monkeypatch: the test's.

    Returns:
        The revision that is the newest now.
    """
    migrations = folder / "migrations_of_a_later_version"
    shutil.copytree(migrate.MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    revision = write_later_revision(migrations / "versions")
    monkeypatch.setattr(migrate, "MIGRATIONS", migrations)
    # What is known of this version's own migrations is cached, and stays so for the tests that follow.
    monkeypatch.setattr(migrate, "known_revisions", cache(migrate.known_revisions.__wrapped__))
    assert migrate.newest_revision() == revision
    return revision


def write_later_revision(versions: Path) -> str:
    """Write the revision into a folder of migrations; returns its number."""
    newest = migrate.newest_revision()
    revision = f"{int(newest) + 1:04}"
    file = versions / f"{revision}_note_what_a_person_thinks.py"
    file.write_text(MIGRATION.format(revision=revision, newest=newest), encoding="utf-8")
    return revision
