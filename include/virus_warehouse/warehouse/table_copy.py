"""Tables of a warehouse copied from one attached database to another, and compared."""

from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import sql_name


@dataclass(frozen=True)
class TableName:
    """A table of a warehouse.

    Attributes:
        schema: its schema.
        table: its name.
    """

    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"

    def within(self, database: str) -> str:
        """Its name in SQL, with its database.

        Args:
            database: what the warehouse is called in the session.
        """
        return f"{sql_name(database)}.{sql_name(self.schema)}.{sql_name(self.table)}"


@dataclass(frozen=True)
class Contents:
    """What two tables with the same rows have in common, in whatever order the rows are.

    Attributes:
        rows: how many.
        total: sum of the hashes of the rows.
        xor: the hashes of the rows, joined by exclusive or.
    """

    rows: int
    total: int
    xor: int


def tables_in(session: DuckDBPyConnection, database: str) -> list[TableName]:
    """The tables of a warehouse, but for the one with its schema revision.

    Args:
        session: where it is attached.
        database: what it is called there.
    """
    found = session.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "WHERE database_name = ? AND table_name != 'alembic_version' ORDER BY ALL",
        [database],
    ).fetchall()
    return [TableName(*names) for names in found]


def copy_table(session: DuckDBPyConnection, table: TableName, target: str) -> None:
    """Add all rows of a table of `warehouse` to that of another warehouse.

    Args:
        session: where both are attached.
        table: the table.
        target: what the other warehouse is called.
    """
    session.execute(f"INSERT INTO {table.within(target)} BY NAME FROM {table.within('warehouse')}")


def count_rows(session: DuckDBPyConnection, table: TableName, database: str) -> int:
    """The number of rows of a table.

    Args:
        session: where the warehouse is attached.
        table: the table.
        database: what the warehouse is called.
    """
    ((rows,),) = session.execute(f"SELECT count(*) FROM {table.within(database)}").fetchall()
    return int(rows)


def read_contents(session: DuckDBPyConnection, table: TableName, database: str) -> Contents:
    """Read all rows of a table, to compare them with those of another one; no row is kept in memory.

    A row is hashed as text: DuckDB's hash of the row itself is the same for NULL, an empty list and a list of NULL,
    and for the pairs of lists `[1], [2, 3]` and `[1, 2], [3]`.

    Args:
        session: where the warehouse is attached.
        table: the table.
        database: what the warehouse is called.
    """
    ((rows, total, xor),) = session.execute(
        f"SELECT count(*), coalesce(sum(row_hash::HUGEINT), 0), coalesce(bit_xor(row_hash), 0) "
        f"FROM (SELECT hash(one_row::VARCHAR) AS row_hash FROM {table.within(database)} AS one_row)"
    ).fetchall()
    return Contents(int(rows), int(total), int(xor))


def different_columns(session: DuckDBPyConnection, target: str) -> list[str]:
    """The columns that only `warehouse` or only another warehouse has, or whose types differ, as text.

    Args:
        session: where both are attached.
        target: what the other warehouse is called.
    """
    columns = (
        "SELECT schema_name || '.' || table_name || '.' || column_name || ' ' || data_type FROM duckdb_columns() "
        "SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name) WHERE database_name = ?"
    )
    only_in_one = f"({columns} EXCEPT {columns})"
    names = ["warehouse", target]
    found = session.execute(f"{only_in_one} UNION {only_in_one} ORDER BY ALL", [*names, *reversed(names)]).fetchall()
    return [column for (column,) in found]
