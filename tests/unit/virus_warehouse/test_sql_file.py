"""SQL files get the variables that they read, and run with no other."""

from pathlib import Path

import duckdb
import pytest

from virus_warehouse import sql_file
from virus_warehouse.sql_file import VariableMissing, read_sql, run_sql, variables_of

PACKAGE = Path(sql_file.__file__).parent


def test_a_variable_that_was_not_given_is_refused_whatever_it_was_before() -> None:
    with duckdb.connect() as session:
        session.execute("SET VARIABLE source = 'of another load'")
        with pytest.raises(VariableMissing, match=r"end_findings\.sql reads source, which is not given"):
            run_sql(session, "warehouse/merge/11_end_findings.sql", {"valid_from": None, "sources": "mpox"})


def test_variables_that_a_file_does_not_read_are_left_as_they_are() -> None:
    with duckdb.connect() as session:
        run_sql(session, "warehouse/sql/in_share.sql", {"shares": 2, "share": 1, "source": "mpox"})
        told = dict(session.execute("SELECT name, value FROM duckdb_variables()").fetchall())
        assert told == {"shares": "2", "share": "1"}
        assert session.execute("SELECT count(*) FILTER (in_share(range)) FROM range(99)").fetchall() != [(0,)]


def test_python_reads_no_variable_that_a_file_was_given() -> None:
    reading = [path for path in PACKAGE.rglob("*.py") if "getvariable(" in path.read_text(encoding="utf-8")]
    assert reading == [PACKAGE / "sql_file.py"]


def test_every_variable_that_a_file_reads_is_named_in_its_head() -> None:
    silent = {}
    for path in [*PACKAGE.glob("reports/*.sql"), *PACKAGE.glob("warehouse/*/*.sql")]:
        name = str(path.relative_to(PACKAGE))
        told = " ".join(line for line in read_sql(name).splitlines() if line.startswith("--"))
        if unreported := {variable for variable in variables_of(name) if variable not in told}:
            silent[name] = unreported
    assert silent == {}
