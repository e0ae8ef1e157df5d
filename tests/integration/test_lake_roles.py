"""A lake with a role of PostgreSQL that writes it, and one that can do nothing but read it."""

import contextlib
import secrets
import subprocess
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb
import psycopg
import pytest
from sqlalchemy import make_url

from tests.integration.test_lake_attach import FOLLOWED
from tests.support.analyst import ask, in_snapshot
from tests.support.fake_ncbi import FakeNcbi, World
from tests.support.followed import Followed
from tests.support.lakes import NEEDS_LAKES, reading_lake
from virus_warehouse.housekeeping import keep_house
from virus_warehouse.publish.attach import attach_statements
from virus_warehouse.publish.publication import publish
from virus_warehouse.transfer import transfer
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.lake_address import LakeAddress, lake_address
from virus_warehouse.warehouse.lake_lock import MayOnlyRead
from virus_warehouse.warehouse.lake_storage import LakeStorage, create_secrets, load_extensions
from virus_warehouse.warehouse.migrate import newest_revision

pytestmark = [pytest.mark.slow, NEEDS_LAKES, pytest.mark.usefixtures("small_loads")]

SCRIPT = str(files("virus_warehouse").joinpath("warehouse/lake_roles.sql"))
ROLES = WRITER, READER = "virus_warehouse_writer", "virus_warehouse_reader"

REFUSED_TO_READERS = [
    "INSERT INTO virus_warehouse.ducklake_metadata (key, value) VALUES ('key', 'value')",
    "UPDATE virus_warehouse.ducklake_metadata SET value = '10' WHERE key = 'data_inlining_row_limit'",
    "DELETE FROM virus_warehouse.ducklake_snapshot",
    "TRUNCATE virus_warehouse.ducklake_snapshot",
    "DROP TABLE virus_warehouse.ducklake_snapshot",
    "ALTER TABLE virus_warehouse.ducklake_snapshot ADD COLUMN note TEXT",
    "DO 'BEGIN LOCK TABLE virus_warehouse.ducklake_snapshot IN EXCLUSIVE MODE; END'",
    "CREATE TABLE virus_warehouse.notes (note TEXT)",
    "CREATE TABLE public.notes (note TEXT)",
    "CREATE TEMPORARY TABLE notes (note TEXT)",
    "CREATE SCHEMA notes",
    "DROP SCHEMA virus_warehouse CASCADE",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_advisory_lock_shared(1, 1)",
    "SELECT pg_advisory_xact_lock(1)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT pg_try_advisory_xact_lock_shared(1)",
]


@dataclass(frozen=True)
class Roles:
    """The addresses of a lake for three users of its database."""

    superuser: LakeAddress
    writer: LakeAddress
    reader: LakeAddress


PASSWORDS = {role: secrets.token_hex(8) for role in ROLES}
"""The roles are those of the server: every test gives them the same."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="module")
def roles(catalog: str, folder: Path) -> Roles:
    """A new database with the roles, each with a password."""
    return make_roles(*new_database(catalog), folder)


@pytest.fixture(scope="module")
def used(roles: Roles, ncbi: FakeNcbi, folder: Path) -> Followed:
    """A lake that its writer has made and used; tests only read it."""
    return use(ncbi, roles.writer, folder)


def new_database(catalog: str) -> tuple[str, str]:
    name = f"lake_{secrets.token_hex(4)}"
    with psycopg.connect(catalog, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return catalog, make_url(catalog).set(database=name).render_as_string(hide_password=False)


def make_roles(catalog: str, database: str, folder: Path) -> Roles:
    """Run the script, twice, as it says: with psql, as a superuser."""
    for _ in range(2):
        command = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", SCRIPT, database]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
    addresses = [lake_address(f"ducklake:{database}?data_path={folder}/lake", "a test")]
    with psycopg.connect(catalog, autocommit=True) as connection:
        for role in ROLES:
            connection.execute(f"ALTER ROLE {role} PASSWORD '{PASSWORDS[role]}'".encode())
            of_role = make_url(database).set(username=role, password=PASSWORDS[role])
            url = of_role.render_as_string(hide_password=False)
            addresses.append(lake_address(f"ducklake:{url}?data_path={folder}/lake", "a test"))
    return Roles(*addresses)


def connected(address: LakeAddress) -> psycopg.Connection:
    return psycopg.connect(address.catalog.render_as_string(hide_password=False), autocommit=True)


def use(ncbi: FakeNcbi, address: LakeAddress, folder: Path) -> Followed:
    """Load, count, publish and tidy up; then load more than is published."""
    ncbi.world = World()
    followed = Followed(ncbi, folder / "data", LakeStorage(address))
    for number in range(12):
        followed.show(f"PX{number}", 0)
    followed.run()
    followed.show("PX1", 1, length=2)
    followed.run(mode="census")
    publish(followed.warehouse, followed.data, FOLLOWED)
    keep_house(followed.warehouse, followed.data, FOLLOWED)
    followed.show("PX2", 2, length=2)
    followed.run()
    return followed


def test_the_writer_does_all_and_the_reader_reads(roles, used, tmp_path):
    with connected(roles.superuser) as connection:
        powers = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s) AND (rolsuper OR rolcreaterole OR rolcreatedb)",
            [list(ROLES)],
        ).fetchall()
    assert powers == []
    statements = attach_statements(used.warehouse, used.data, READER)
    answers = ask(statements, tmp_path / "home", PGPASSWORD=roles.reader.password)
    assert answers == in_snapshot(used)
    with reading_lake(roles.reader) as session:
        assert session.execute("SELECT length FROM virus_genome WHERE accession = 'PX2'").fetchall() == [(2,)]
    reader = Warehouse(LakeStorage(roles.reader))
    assert reader.read_revision() == newest_revision()
    refused = pytest.raises(MayOnlyRead, match=f"{READER} may read the lake, and not write it")
    with refused, duckdb.connect() as session, reader.transaction(session):
        pass


@pytest.mark.long
def test_the_writer_migrates_a_warehouse_to_the_lake_and_back(catalog, followed, tmp_path):
    followed.show("PX1", 0)
    followed.run()
    lake = Warehouse(LakeStorage(make_roles(*new_database(catalog), tmp_path).writer))
    assert transfer(followed.warehouse, lake, followed.data).copied
    assert transfer(lake, Warehouse(tmp_path / "back.duckdb"), followed.data).copied


@pytest.mark.long
def test_a_lake_of_another_owner_becomes_the_writers(catalog, ncbi, tmp_path):
    _, database = new_database(catalog)
    LakeStorage(lake_address(f"ducklake:{database}?data_path={tmp_path}/lake", "a test")).upgrade()
    use(ncbi, make_roles(catalog, database, tmp_path).writer, tmp_path)


@pytest.mark.usefixtures("used")
class TestReader:
    def test_postgresql_refuses_all_but_reading(self, roles):
        done = []
        with connected(roles.reader) as connection:
            for sql in REFUSED_TO_READERS:
                with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql.encode())
                    done.append(sql)
        assert done == []

    def test_ducklake_cannot_write_with_it(self, roles):
        with duckdb.connect() as session:
            load_extensions(session, roles.reader)
            create_secrets(session, roles.reader)
            session.execute("ATTACH 'ducklake:virus_warehouse_lake' AS warehouse (METADATA_SCHEMA 'virus_warehouse')")
            with pytest.raises(duckdb.Error, match="permission denied"):
                session.execute("INSERT INTO warehouse.main.taxon VALUES (1, 'a')")
        with reading_lake(roles.writer) as session:
            assert session.execute("FROM main.taxon WHERE tax_id = 1").fetchall() == []
