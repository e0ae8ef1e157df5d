"""The state of a limit in PostgreSQL, for many hosts."""

from collections.abc import Callable

import sqlalchemy
from sqlalchemy import URL, Connection, text

from virus_warehouse.ncbi.pace.store import Result, StoreUnusable
from virus_warehouse.ncbi.pace.turns import Turns

# Of libpq: a database that is cut off from the network is given up after seconds and not after hours.
_CONNECTION = {
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
_TABLE = "ncbi_pace"

# A host that goes down in the middle must not stop the others: the database ends its transaction. And who comes after a
# power cut may find no state, which needs no disk.
_BEGIN = text(
    "SELECT set_config('lock_timeout', '10s', true), set_config('statement_timeout', '10s', true),"
    " set_config('idle_in_transaction_session_timeout', '5s', true)"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('ncbi_pace'), hashtext(:name))")
_LOCK_TABLE = text("SELECT pg_advisory_xact_lock(hashtext('ncbi_pace'), 0)")
_HAS_TABLE = text(f"SELECT to_regclass('{_TABLE}') IS NOT NULL")
_CREATE = text(f"CREATE UNLOGGED TABLE {_TABLE} (name TEXT PRIMARY KEY, turns TEXT NOT NULL)")
_READ = text(
    f"SELECT extract(epoch FROM clock_timestamp())::DOUBLE PRECISION, (SELECT turns FROM {_TABLE} WHERE name = :name)"
)
_WRITE = text(
    f"INSERT INTO {_TABLE} (name, turns) VALUES (:name, :turns) ON CONFLICT (name) DO UPDATE SET turns = excluded.turns"
)


class InPostgres:
    """The state in a row of the table `ncbi_pace`, which is created when missing; its clock is the database's.

    Args:
        url: the database. Its password appears in no message.
        name: of the limit.
        limit: requests that are allowed in a second.
    """

    def __init__(self, url: URL, name: str, limit: int) -> None:
        self._url, self._name, self._limit = url, name, limit
        # Connections are made when they are needed, and tested before each use: a download may last for hours.
        self._engine = sqlalchemy.create_engine(
            url, pool_size=1, max_overflow=-1, pool_pre_ping=True, connect_args=_CONNECTION
        )
        self._has_table = False

    def __str__(self) -> str:
        # Without the password, which libpq also takes from the query.
        return self._url.set(query={}).render_as_string()

    def change(self, act: Callable[[Turns, float], Result]) -> Result:
        """As in `Store`."""
        try:
            with self._engine.begin() as connection:
                connection.execute(_BEGIN)
                if not self._has_table:
                    _create_table(connection)
                connection.execute(_LOCK, {"name": self._name})
                now, row = connection.execute(_READ, {"name": self._name}).one()
                turns = Turns.read(row or "", now, self._limit)
                result = act(turns, now)
                connection.execute(_WRITE, {"name": self._name, "turns": turns.model_dump_json()})
            self._has_table = True
            return result
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise StoreUnusable(f"{self}: {self._message(error)}") from None

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _message(self, error: Exception) -> str:
        """The driver's message on one line, without the password."""
        message = " ".join(str(getattr(error, "orig", None) or error).split())
        return message.replace(str(self._url.password), "***") if self._url.password else message


def _create_table(connection: Connection) -> None:
    # `IF NOT EXISTS` would ask for the right to create even where it exists, and two at once would clash.
    connection.execute(_LOCK_TABLE)
    if not connection.execute(_HAS_TABLE).scalar_one():
        connection.execute(_CREATE)
