"""A warehouse in a DuckLake: its catalog in PostgreSQL, its tables as Parquet files in a folder or a bucket.

DuckLake leaves to its users what a DuckDB file guarantees by itself; each guard here stands before a way to wrong
answers that was seen (decision 47).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.session import memory_limit
from virus_warehouse.settings import SettingError
from virus_warehouse.sql_file import sql_name, sql_text
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_errors import explained
from virus_warehouse.warehouse.lake_lock import LakeLock, has_catalog, is_locked
from virus_warehouse.wording import counted

INSTALL = "Install what a lake needs with `pip install 'virus-warehouse[lake]'`"

EXTENSIONS = {"postgres_scanner": "duckdb_extension_postgres_scanner", "ducklake": "duckdb_extension_ducklake"}
EXTENSIONS_OF_BUCKETS = {"httpfs": "duckdb_extension_httpfs"}

KEPT_STATES = "2 days"
"""How long past states of the lake stay readable: longer than any publication or back-up reads one."""

_FILES = "SELECT sum(file_count)::BIGINT FROM ducklake_table_info('warehouse')"

_MAINTENANCE = (
    "CALL ducklake_merge_adjacent_files('warehouse')",
    "CALL ducklake_rewrite_data_files('warehouse')",
    f"CALL ducklake_expire_snapshots('warehouse', older_than => now() - INTERVAL '{KEPT_STATES}')",
    f"CALL ducklake_cleanup_old_files('warehouse', older_than => now() - INTERVAL '{KEPT_STATES}')",
    f"CALL ducklake_delete_orphaned_files('warehouse', older_than => now() - INTERVAL '{KEPT_STATES}')",
)


class LakeUnsafe(SettingError):
    """The lake, or what is installed to use it, could give wrong answers; nothing was changed."""


class LakeStorage:
    """The tables of a warehouse in a lake.

    Args:
        address: of the lake.
    """

    file: Path | None = None

    def __init__(self, address: LakeAddress) -> None:
        self.address = address
        self._locks: dict[int, LakeLock] = {}

    @property
    def location(self) -> str:
        """Its address, without secrets."""
        return str(self.address)

    @property
    def setting(self) -> str:
        """Its address, with the password of the catalog."""
        return self.address.setting

    def exists(self) -> bool:
        """Whether its catalog has been created."""
        return has_catalog(self.address)

    def attach(self, session: DuckDBPyConnection, *, patience: float = 0.0) -> None:
        """Attach the lake to a session as `warehouse`, with the lock of its writers.

        Args:
            session: where it is attached.
            patience: seconds to wait for the lock, in the queue of the writers.

        Raises:
            StorageBusy: when another process still has the lock.
            LakeUnsafe: when a guard is missing.
        """
        lock = LakeLock(self.address, patience=patience)
        try:
            self._attach(session, "CREATE_IF_NOT_EXISTS false")
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

    def detach(self, session: DuckDBPyConnection) -> None:
        """Detach the lake, and release the lock if the session has it."""
        try:
            session.execute("DETACH warehouse")
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

    def freeze(self, session: DuckDBPyConnection) -> None:
        """Attach the present state to read instead, and release the lock: no writer waits for a reader.

        Args:
            session: where it is attached.
        """
        ((present,),) = session.execute("FROM warehouse.current_snapshot()").fetchall()
        session.execute("USE memory")
        session.execute("DETACH warehouse")
        self._attach(session, f"READ_ONLY, SNAPSHOT_VERSION {present}")
        session.execute("USE warehouse")
        self._release(session)

    def upgrade(self) -> None:
        """Create the lake, or migrate it, while this process has the lock of its writers.

        Raises:
            StorageBusy: when another process has it.
            LakeUnsafe: when a guard is missing.
        """
        lock = LakeLock(self.address)
        try:
            if not self.exists():
                self._create()
            migrate.upgrade_attached(self._attach_to_migrate)
            lock.verify()
        finally:
            lock.release()

    def copy_to(self, session: DuckDBPyConnection, file: Path) -> None:
        """Copy all tables into a new DuckDB file, which has what a warehouse file has: comments, views and macros.

        Args:
            session: where the lake is attached.
            file: the path of the copy, which is replaced.
        """
        file.unlink(missing_ok=True)
        migrate.upgrade(file)
        session.execute(f"SET memory_limit = {sql_text(memory_limit())}")
        session.execute(f"ATTACH {sql_text(file)} AS copy")
        try:
            session.execute("BEGIN TRANSACTION")
            for schema, table in session.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() "
                "WHERE database_name = 'copy' AND table_name != 'alembic_version' ORDER BY ALL"
            ).fetchall():
                name = f"{sql_name(schema)}.{sql_name(table)}"
                session.execute(f"INSERT INTO copy.{name} BY NAME FROM warehouse.{name}")
            session.execute("COMMIT")
        finally:
            with suppress(duckdb.Error):
                session.execute("ROLLBACK")
            session.execute("DETACH copy")

    def tidy_up(self, session: DuckDBPyConnection) -> str:
        """Merge small files, and remove those that no kept state needs.

        Args:
            session: where it is attached.
        """
        ((before,),) = session.execute(_FILES).fetchall()
        for statement in _MAINTENANCE:
            session.execute(statement)
        ((after,),) = session.execute(_FILES).fetchall()
        return f"{counted(before, 'file')} of the lake became {after}"

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
        with duckdb.connect() as session:
            self._attach(session, "CREATE_IF_NOT_EXISTS true", is_new=True)

    def _attach_to_migrate(self, session: DuckDBPyConnection) -> None:
        self._attach(session, "CREATE_IF_NOT_EXISTS false")
        session.execute("USE warehouse")

    def _attach(self, session: DuckDBPyConnection, options: str, *, is_new: bool = False) -> None:
        load_extensions(session, self.address)
        create_secrets(session, self.address)
        session.execute(
            f"ATTACH 'ducklake:virus_warehouse_lake' AS warehouse "
            f"({options}, METADATA_SCHEMA {sql_text(self.address.schema)}, DATA_INLINING_ROW_LIMIT 0)"
        )
        try:
            if is_new:
                session.execute("CALL warehouse.set_option('data_inlining_row_limit', 0)")
            refuse_inlining(session, self.location)
        except BaseException:
            session.execute("DETACH warehouse")
            raise


def _lock_of(run_id: str) -> str:
    return f"run {run_id}"


def load_extensions(session: DuckDBPyConnection, address: LakeAddress) -> None:
    """Load DuckDB's extensions for a lake from their packages: nothing is downloaded.

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


def create_secrets(session: DuckDBPyConnection, address: LakeAddress) -> None:
    """Let a session know how to open a lake, without a password in a statement that could be shown later.

    The bucket's are taken from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` and
    `AWS_ENDPOINT_URL`.

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
    _create_secret(session, "virus_warehouse_catalog", "postgres", known)
    session.execute(
        f"CREATE OR REPLACE TEMPORARY SECRET virus_warehouse_lake (TYPE ducklake, METADATA_PATH '', "
        f"DATA_PATH {sql_text(address.data_path)}, "
        f"METADATA_PARAMETERS MAP {{'TYPE': 'postgres', 'SECRET': 'virus_warehouse_catalog'}})"
    )
    if address.data_path.startswith("s3://"):
        _create_secret(session, "virus_warehouse_bucket", "s3", _bucket_settings())


def refuse_inlining(session: DuckDBPyConnection, location: str) -> None:
    """Refuse a lake that may keep few rows in its catalog: two transactions that delete one row would both commit.

    Raises:
        LakeUnsafe: when it may.
    """
    session.execute(
        "SELECT value FROM warehouse.options() WHERE option_name = 'data_inlining_row_limit' AND value != '0' "
        "UNION ALL SELECT 'not set' WHERE NOT EXISTS "
        "(FROM warehouse.options() WHERE option_name = 'data_inlining_row_limit' AND scope = 'GLOBAL')"
    )
    found = session.fetchall()  # in two steps, as a cursor of SQLAlchemy's must do it
    if found:
        raise LakeUnsafe(
            f"{location}: data_inlining_row_limit is {found[0][0]}, and must be 0, or rows can be lost without an "
            f"error. Attach it and run CALL warehouse.set_option('data_inlining_row_limit', 0)"
        )


def _create_secret(
    session: DuckDBPyConnection, name: str, kind: str, values: dict[str, str | int | bool | None]
) -> None:
    given = "".join(f", {key} {sql_text(str(value))}" for key, value in values.items() if value is not None)
    session.execute(f"CREATE OR REPLACE TEMPORARY SECRET {name} (TYPE {kind}{given})")


def _bucket_settings() -> dict[str, str | int | bool | None]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    settings: dict[str, str | int | bool | None] = {
        "KEY_ID": os.environ.get("AWS_ACCESS_KEY_ID"),
        "SECRET": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "SESSION_TOKEN": os.environ.get("AWS_SESSION_TOKEN"),
        "REGION": os.environ.get("AWS_REGION"),
    }
    if endpoint:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SettingError(f"AWS_ENDPOINT_URL is {endpoint!r}; it must be like https://s3.example.org")
        settings |= {"ENDPOINT": parts.netloc, "URL_STYLE": "path", "USE_SSL": parts.scheme == "https"}
    return settings
