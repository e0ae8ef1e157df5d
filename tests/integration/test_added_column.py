"""A later version adds a column, as CONTRIBUTING.md says: old warehouses are migrated, and no record is revised."""

import shutil

import pytest

from tests.support.warehouses import Shelf, line
from virus_warehouse import sql_file
from virus_warehouse.reports import data_report
from virus_warehouse.warehouse import migrate

MIGRATION = """
from alembic import op

from virus_warehouse.warehouse.add_column import add_column

revision = "9999"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("virus_genome", "virus_genome_history"):
        add_column(op.get_bind(), table, "segment", "serotype", "VARCHAR", "Serotype")
"""


@pytest.fixture
def later_version(tmp_path, monkeypatch):
    """This project as it would be with a column `serotype`, read, hashed and kept."""

    def upgrade() -> None:
        migrations = tmp_path / "migrations"
        shutil.copytree(migrate.MIGRATIONS, migrations)
        text = MIGRATION.format(before=migrate.newest_revision())
        (migrations / "versions" / "9999_add_serotype.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(migrate, "MIGRATIONS", migrations)
        migrate.known_revisions.cache_clear()

        original = sql_file.read_sql("reports/data_report.sql")
        extended = original.replace("        segment,\n", "        segment,\n        serotype,\n", 1).replace(
            "        'source_database=' || ",
            "        'serotype=' || hashed(serotype),\n        'source_database=' || ",
        )
        assert extended.count("serotype") == 3
        monkeypatch.setitem(data_report.FIELDS, "serotype", data_report.Field("VARCHAR", "serotype"))
        monkeypatch.setattr(
            sql_file,
            "read_sql",
            lambda name, read=sql_file.read_sql: (
                extended if "data_report.sql" in name and "merge" not in name else read(name)
            ),
        )

    yield upgrade
    migrate.known_revisions.cache_clear()


def test_the_hash_survives_an_added_column(tmp_path, later_version):
    shelf = Shelf(tmp_path)
    shelf.load(line("PX1.1"), line("PX2.1", isolate={"name": "a"}))
    before = shelf.rows("SELECT accession, record_hash, valid_from FROM virus_genome ORDER BY 1")

    later_version()
    assert shelf.load(line("PX1.1"), line("PX2.1", isolate={"name": "a"}), mode="incremental") == {"unchanged": 2}
    assert shelf.rows("SELECT accession, record_hash, valid_from FROM virus_genome ORDER BY 1") == before
    assert shelf.rows("SELECT version_num FROM ops.alembic_version") == [("9999",)]

    # Only a record that has the new field is revised, and its old state has none.
    filled = line("PX2.1", isolate={"name": "a"}, serotype="4")
    assert shelf.load(line("PX1.1"), filled, mode="incremental") == {"unchanged": 1, "revised": 1}
    assert shelf.rows("SELECT serotype FROM virus_genome ORDER BY accession") == [(None,), ("4",)]
    assert shelf.rows("SELECT accession, serotype FROM virus_genome_history") == [("PX2", None)]
    assert shelf.rows("SELECT field, old_value, new_value FROM virus_genome_change") == [("serotype", None, "4")]


def test_an_older_version_refuses_the_file_it_cannot_know(tmp_path, later_version, monkeypatch):
    shelf = Shelf(tmp_path)
    later_version()
    migrate.upgrade(shelf.warehouse.path)
    monkeypatch.undo()
    migrate.known_revisions.cache_clear()
    content = shelf.warehouse.path.read_bytes()
    with pytest.raises(migrate.SchemaTooNew, match=r"9999.*Update the checkout"):
        shelf.load(line("PX1.1"))
    assert shelf.warehouse.path.read_bytes() == content
