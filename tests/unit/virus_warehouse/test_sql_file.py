"""SQL files get only the variables that they read."""

from pathlib import Path

import duckdb
import pytest

from virus_warehouse import sql_file
from virus_warehouse.sql_file import VariableMissing, read_sql, run_sql, variables_of

PACKAGE = Path(sql_file.__file__).parent


def test_missing_variable_is_refused_even_if_set_before() -> None:
    with duckdb.connect() as session:
        session.execute("SET VARIABLE source = 'of another load'")
        with pytest.raises(VariableMissing, match=r"end_findings\.sql reads source, which is not given"):
            run_sql(session, "warehouse/merge/11_end_findings.sql", {"valid_from": None, "sources": "mpox"})


def test_variables_that_a_file_does_not_read_are_left_as_they_are() -> None:
    with duckdb.connect() as session:
        run_sql(session, "warehouse/sql/in_share.sql", {"shares": 2, "share": 1, "source": "mpox"})
        variables = dict(session.execute("SELECT name, value FROM duckdb_variables()").fetchall())
        assert variables == {"shares": "2", "share": "1"}
        assert session.execute("SELECT count(*) FILTER (in_share(range)) FROM range(99)").fetchall() != [(0,)]


def test_python_does_not_read_variables_of_sql_files() -> None:
    reading = [path for path in PACKAGE.rglob("*.py") if "getvariable(" in path.read_text(encoding="utf-8")]
    # A view reads its variable itself, whenever it is queried.
    assert set(reading) == {PACKAGE / "sql_file.py", PACKAGE / "publish" / "sequences.py"}


def test_every_variable_read_by_a_file_is_named_in_its_header() -> None:
    missing = {}
    for path in [*PACKAGE.glob("reports/*.sql"), *PACKAGE.glob("warehouse/*/*.sql")]:
        name = str(path.relative_to(PACKAGE))
        header = " ".join(line for line in read_sql(name).splitlines() if line.startswith("--"))
        if unreported := {variable for variable in variables_of(name) if variable not in header}:
            missing[name] = unreported
    assert missing == {}
