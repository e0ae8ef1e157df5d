"""A warehouse in a DuckLake: its catalog in PostgreSQL, its tables as Parquet files in a folder or a bucket.

DuckLake leaves to its users what a DuckDB file guarantees by itself; each guard here stands before a way to wrong
answers that was seen (decision 47).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
from duckdb import DuckDBPyConnection
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from virus_warehouse.bucket.address import bucket_access
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.session import SessionSettings, memory_limit
from virus_warehouse.settings import SettingError
from virus_warehouse.sql_file import sql_name, sql_text
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_catalog import has_catalog, option_values
from virus_warehouse.warehouse.lake_errors import explained
from virus_warehouse.warehouse.lake_lock import LakeLock, is_locked
from virus_warehouse.warehouse.storage import LakeState
from virus_warehouse.warehouse.table_copy import copy_table, tables_in
from virus_warehouse.wording import counted

INSTALL = "Install what a lake needs with `pip install 'virus-warehouse[lake]'`"

EXTENSIONS = {"postgres_scanner": "duckdb_extension_postgres_scanner", "ducklake": "duckdb_extension_ducklake"}
EXTENSIONS_OF_BUCKETS = {"httpfs": "duckdb_extension_httpfs"}

SESSION_SETTINGS: SessionSettings = {"allow_unsigned_extensions": "true"}
"""Lets a new session load the extensions in a millisecond instead of 150, most of them for DuckDB's check of their
signatures: pip has compared their hashes. `load_extensions` takes it back (decision 52)."""

KEPT_STATES = "2 days"
"""How long past states of the lake stay readable: longer than any publication or back-up reads one."""

_FILES = "SELECT sum(file_count)::BIGINT FROM ducklake_table_info('warehouse')"

_COMPACTION = (
    "CALL ducklake_merge_adjacent_files('warehouse')",
    "CALL ducklake_rewrite_data_files('warehouse')",
)

_REMOVAL = (
    "CALL ducklake_cleanup_old_files('warehouse', older_than => now() - $kept::INTERVAL)",
    "CALL ducklake_delete_orphaned_files('warehouse', older_than => now() - $kept::INTERVAL)",
)


class LakeUnsafe(SettingError):
    """The lake, or what is installed to use it, could give wrong answers; nothing was changed."""


class LakeNotMigrated(PermanentFailure):
    """A lake has the schema of an earlier version, and cannot be copied as it is; nothing was changed."""


class LakeStorage:
    """The tables of a warehouse in a lake.

    Args:
        address: of the lake.
    """

    file: Path | None = None

    def __init__(self, address: LakeAddress) -> None:
        self.address = address
        self._locks: dict[int, LakeLock] = {}
        self._exists = False

    @property
    def location(self) -> str:
        """Its address, without secrets."""
        return str(self.address)

    @property
    def setting(self) -> str:
        """Its address, with the password of the catalog."""
        return self.address.setting

    @property
    def shown_setting(self) -> str:
        """Its address, with `***` for the password of the catalog."""
        return self.address.shown_setting

    @property
    def folder(self) -> Path | None:
        """The folder with its Parquet files; None where they are in a bucket."""
        return None if self.address.data_path.startswith("s3://") else Path(self.address.data_path)

    @property
    def session_settings(self) -> SessionSettings:
        """What DuckDB is opened with in a session that it is attached to."""
        return SESSION_SETTINGS

    def exists(self) -> bool:
        """Whether its catalog has been created; asked until it has."""
        self._exists = self._exists or has_catalog(self.address)
        return self._exists

    def attach(self, session: DuckDBPyConnection, name: str = "warehouse", *, patience: float = 0.0) -> None:
        """Attach the lake to a session, with the lock of its writers.

        Args:
            session: where it is attached.
            name: what it is called there.
            patience: seconds to wait for the lock, in the queue of the writers.

        Raises:
            StorageBusy: when another process still has the lock.
            LakeUnsafe: when a guard is missing.
        """
        lock = LakeLock(self.address, patience=patience)
        try:
            self._attach(session, "CREATE_IF_NOT_EXISTS false", name, connection=lock.connection)
        except BaseException:
            lock.release()
            raise
        self._locks[id(session)] = lock

    def verify_hold(self, session: DuckDBPyConnection) -> None:
        """Make sure that the lock of its writers is still held.

        Raises:
            LockLost: when that is not certain.
        """
        self._locks[id(session)].verify()

    def detach(self, session: DuckDBPyConnection, name: str = "warehouse") -> None:
        """Detach the lake, and release the lock if the session has it.

        Args:
            session: where it is attached.
            name: what it is called there.
        """
        try:
            session.execute(f"DETACH {name}")
        finally:
            self._release(session)

    def _release(self, session: DuckDBPyConnection) -> None:
        lock = self._locks.pop(id(session), None)
        if lock is not None:
            lock.release()

    def attach_to_read(self, session: DuckDBPyConnection) -> None:
        """Attach the lake to a session as `warehouse`, to read.

        Raises:
            LakeUnsafe: when a guard is missing.
        """
        self._attach(session, "READ_ONLY")

    def freeze(self, session: DuckDBPyConnection) -> LakeState:
        """Attach the present state to read instead, and release the lock: no writer waits for a reader.

        Args:
            session: where it is attached.

        Returns:
            The state.
        """
        ((present,),) = session.execute("FROM warehouse.current_snapshot()").fetchall()
        session.execute("USE memory")
        session.execute("DETACH warehouse")
        self._attach(session, f"READ_ONLY, SNAPSHOT_VERSION {present}")
        session.execute("USE warehouse")
        self._release(session)
        return LakeState(self._id(session), present)

    def upgrade(self, marker: str | None = None) -> None:
        """Create the lake, or migrate it, while this process has the lock of its writers.

        Args:
            marker: what it says in place of its schema revision.

        Raises:
            StorageBusy: when another process has it.
            LakeUnsafe: when a guard is missing.
        """
        lock = LakeLock(self.address)
        try:
            if not self.exists():
                self._create()
            migrate.upgrade_attached(self.session_settings, self._attach_to_migrate, marker)
            lock.verify()
        finally:
            lock.release()

    def copy_to(self, session: DuckDBPyConnection, file: Path, *, durable: bool = True) -> None:
        """Copy all tables into a new DuckDB file, which has what a warehouse file has: comments, views and macros.

        Args:
            session: where the lake is attached.
            file: the path of the copy, which is replaced.
            durable: makes no difference: DuckDB writes what it commits to the disk.

        Raises:
            LakeNotMigrated: when the lake has the schema of an earlier version.
        """
        revision = migrate.revision_of(session)
        if revision != migrate.newest_revision():
            raise LakeNotMigrated(
                f"{self.location} has schema revision {revision}, and is copied with revision "
                f"{migrate.newest_revision()} only. Copy it with the version of virus-warehouse that wrote it, or "
                f"migrate it first: the next load and the next publication do that"
            )
        file.unlink(missing_ok=True)
        migrate.upgrade(file)
        session.execute(f"SET memory_limit = {sql_text(memory_limit())}")
        session.execute(f"ATTACH {sql_text(file)} AS copy")
        try:
            session.execute("BEGIN TRANSACTION")
            for table in tables_in(session, "copy"):
                copy_table(session, table, "copy")
            session.execute("COMMIT")
        finally:
            with suppress(duckdb.Error):
                session.execute("ROLLBACK")
            session.execute("DETACH copy")

    def tidy_up(self, session: DuckDBPyConnection, published: LakeState | None) -> str:
        """Merge small files, and remove past states and the files that no kept state needs.

        Args:
            session: where it is attached.
            published: the state that is published, which is kept. When it is none of this lake, all past states are
                kept: which one is published from the data folder of another host is not known here.
        """
        ((before,),) = session.execute(_FILES).fetchall()
        for statement in _COMPACTION:
            session.execute(statement)
        removed = "no past state removed, as nothing of this lake is published from this data folder"
        if published is not None and published.lake_id == self._id(session):
            past = self._past_states(session, published.version)
            if past:
                session.execute("CALL ducklake_expire_snapshots('warehouse', versions => ?)", [past])
            removed = f"{counted(len(past), 'past state')} removed"
        for statement in _REMOVAL:
            session.execute(statement, {"kept": KEPT_STATES})
        ((after,),) = session.execute(_FILES).fetchall()
        return f"{counted(before, 'file')} of the lake became {after}, {removed}"

    def has_state(self, state: LakeState) -> bool:
        """Whether it is the lake of a state, and still keeps it.

        Args:
            state: the state.

        Raises:
            CatalogUnavailable: when the database of its catalog cannot be reached.
        """
        if not self.exists():
            return False
        with duckdb.connect(config=self.session_settings) as session:
            self.attach_to_read(session)
            kept = session.execute(
                "FROM ducklake_snapshots('warehouse') WHERE snapshot_id = ?", [state.version]
            ).fetchall()
            return bool(kept) and self._id(session) == state.lake_id

    def attach_statements(self, state: LakeState, name: str, user: str | None = None) -> str:
        """The SQL with which anybody attaches a state to read it, without passwords and keys.

        Args:
            state: the state.
            name: what the lake is called there.
            user: who reads the catalog; by default who writes it.
        """
        catalog = self.address.catalog
        reached = make_conninfo(
            host=catalog.host, port=catalog.port, dbname=catalog.database, user=user or catalog.username
        )
        statements = ["INSTALL ducklake", "INSTALL postgres"]
        if self.address.data_path.startswith("s3://"):
            statements += ["INSTALL httpfs", "INSTALL aws", _bucket_of_reader()]
        statements += [
            f"ATTACH {sql_text(f'ducklake:postgres:{reached}')} AS {name} "
            f"(READ_ONLY, METADATA_SCHEMA {sql_text(self.address.schema)}, SNAPSHOT_VERSION {state.version})",
            f"USE {name}",
        ]
        return "".join(f"{statement};\n" for statement in statements)

    def _past_states(self, session: DuckDBPyConnection, published: int) -> list[int]:
        """The states that are no longer kept: neither the present one, nor the published one, and old enough."""
        ((past,),) = session.execute(
            "SELECT coalesce(list(snapshot_id ORDER BY snapshot_id), []) FROM ducklake_snapshots('warehouse') "
            "WHERE snapshot_time < now() - $kept::INTERVAL AND snapshot_id != $published "
            "AND snapshot_id < (SELECT max(snapshot_id) FROM ducklake_snapshots('warehouse'))",
            {"kept": KEPT_STATES, "published": published},
        ).fetchall()
        return list(past)

    def _id(self, session: DuckDBPyConnection) -> str:
        # The schema `main` is created with the lake, and has an id of its own.
        ((lake_id,),) = session.execute(
            f"SELECT schema_uuid::VARCHAR FROM __ducklake_metadata_warehouse.{sql_name(self.address.schema)}."
            f"ducklake_schema WHERE schema_id = 0"
        ).fetchall()
        return str(lake_id)

    @contextmanager
    def hold_run(self, run_id: str) -> Iterator[None]:
        """Hold the lock of a run, which all hosts see.

        Args:
            run_id: the run.
        """
        lock = LakeLock(self.address, _lock_of(run_id))
        try:
            yield
        finally:
            lock.release()

    def is_run_held(self, run_id: str) -> bool:
        """Whether a process, on whatever host, holds the lock of a run.

        Args:
            run_id: the run.
        """
        return is_locked(self.address, _lock_of(run_id))

    def explained(self, error: Exception, *, is_attached: bool = False) -> Exception:
        """An error with what to do, and without the password of the catalog, which DuckDB may repeat.

        Args:
            error: what attaching the lake raised, or a statement while it was attached.
            is_attached: makes no difference.
        """
        return explained(error, self.address)

    def _create(self) -> None:
        with duckdb.connect(config=self.session_settings) as session:
            self._attach(session, "CREATE_IF_NOT_EXISTS true", is_new=True)

    def _attach_to_migrate(self, session: DuckDBPyConnection) -> None:
        self._attach(session, "CREATE_IF_NOT_EXISTS false")
        session.execute("USE warehouse")

    def _attach(
        self,
        session: DuckDBPyConnection,
        options: str,
        name: str = "warehouse",
        *,
        is_new: bool = False,
        connection: Connection | None = None,
    ) -> None:
        load_extensions(session, self.address)
        create_secrets(session, self.address, name)
        session.execute(
            f"ATTACH 'ducklake:virus_{name}_lake' AS {name} "
            f"({options}, METADATA_SCHEMA {sql_text(self.address.schema)}, DATA_INLINING_ROW_LIMIT 0)"
        )
        try:
            if is_new:
                session.execute(f"CALL {name}.set_option('data_inlining_row_limit', 0)")
            refuse_inlining(self.address, connection)
        except BaseException:
            session.execute(f"DETACH {name}")
            raise


def _lock_of(run_id: str) -> str:
    return f"run {run_id}"


def load_extensions(session: DuckDBPyConnection, address: LakeAddress) -> None:
    """Load DuckDB's extensions for a lake from their packages, and no other unsigned ones: nothing is downloaded.

    Raises:
        LakeUnsafe: when a package is missing, or of another version of DuckDB.
    """
    wanted = {**EXTENSIONS, **(EXTENSIONS_OF_BUCKETS if address.data_path.startswith("s3://") else {})}
    for name, package in wanted.items():
        try:
            folder = Path(str(import_module(package).__file__)).parent
        except ImportError as error:
            raise LakeUnsafe(f"{package.replace('_', '-')} is not installed. {INSTALL}") from error
        version = f"v{duckdb.__version__}"
        file = folder / "extensions" / version / f"{name}.duckdb_extension"
        if not file.exists():
            found = ", ".join(sorted(path.name for path in (folder / "extensions").glob("*"))) or "none"
            raise LakeUnsafe(
                f"DuckDB is {version}, and {package.replace('_', '-')} is for {found}: they must be of one version. "
                f"{INSTALL}"
            )
        session.execute(f"LOAD {sql_text(file)}")
    session.execute("SET allow_unsigned_extensions = false")


def create_secrets(session: DuckDBPyConnection, address: LakeAddress, name: str = "warehouse") -> None:
    """Let a session know how to open a lake, without a password in a statement that could be shown later.

    The bucket's are taken from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` and
    `AWS_ENDPOINT_URL`.

    Args:
        session: where the lake is attached.
        address: of the lake.
        name: what the lake is called there.

    Raises:
        SettingError: when `AWS_ENDPOINT_URL` is no URL.
    """
    catalog = address.catalog
    known = {
        "HOST": catalog.host,
        "PORT": catalog.port,
        "DATABASE": catalog.database,
        "USER": catalog.username,
        "PASSWORD": catalog.password,
    }
    _create_secret(session, f"virus_{name}_catalog", "postgres", known)
    session.execute(
        f"CREATE OR REPLACE TEMPORARY SECRET virus_{name}_lake (TYPE ducklake, METADATA_PATH '', "
        f"DATA_PATH {sql_text(address.data_path)}, "
        f"METADATA_PARAMETERS MAP {{'TYPE': 'postgres', 'SECRET': 'virus_{name}_catalog'}})"
    )
    if address.data_path.startswith("s3://"):
        _create_secret(session, "virus_warehouse_bucket", "s3", _bucket_settings())


def refuse_inlining(address: LakeAddress, connection: Connection | None = None) -> None:
    """Refuse a lake that may keep few rows in its catalog: two transactions that delete one row would both commit.

    Args:
        address: of the lake.
        connection: to the database of its catalog; by default one of its own.

    Raises:
        LakeUnsafe: when it may.
        CatalogUnavailable: when the database of its catalog cannot be reached.
    """
    limits = option_values(address, "data_inlining_row_limit", connection)
    is_set = any(scope is None for scope, _ in limits)
    if wrong := [limit for _, limit in limits if limit != "0"] or ([] if is_set else ["not set"]):
        raise LakeUnsafe(
            f"{address}: data_inlining_row_limit is {wrong[0]}, and must be 0, or rows can be lost without an error. "
            f"Attach it and run CALL warehouse.set_option('data_inlining_row_limit', 0)"
        )


def _bucket_of_reader() -> str:
    secret_names = {"KEY_ID", "SECRET", "SESSION_TOKEN"}
    known = {key: value for key, value in _bucket_settings().items() if key not in secret_names}
    return f"CREATE OR REPLACE TEMPORARY SECRET virus_bucket (TYPE s3, PROVIDER credential_chain{_options(known)})"


def _create_secret(
    session: DuckDBPyConnection, name: str, kind: str, values: dict[str, str | int | bool | None]
) -> None:
    session.execute(f"CREATE OR REPLACE TEMPORARY SECRET {name} (TYPE {kind}{_options(values)})")


def _options(values: Mapping[str, str | int | bool | None]) -> str:
    return "".join(f", {key} {sql_text(str(value))}" for key, value in values.items() if value is not None)


def _bucket_settings() -> dict[str, str | int | bool | None]:
    access = bucket_access()
    settings: dict[str, str | int | bool | None] = {
        "KEY_ID": access.key_id,
        "SECRET": access.secret,
        "SESSION_TOKEN": access.session_token,
        "REGION": access.region,
    }
    if access.endpoint:
        parts = urlsplit(access.endpoint)
        settings |= {"ENDPOINT": parts.netloc, "URL_STYLE": "path", "USE_SSL": parts.scheme == "https"}
    return settings
