"""The code of README.md and docs/ runs, the commands are run by tests, the tables and views named exist."""

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import duckdb
import pytest

from tests.support.airflow_runs import run_and_publish
from tests.support.stand_in import StandIn
from virus_warehouse.data_folder import DataFolder

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
PAGES = (
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(DOCS.rglob("*.md")),
)
RUN_BY_OTHER_TESTS = {
    "adding-a-field.md",
    "adding-a-gate.md",
    "adding-a-recipe.md",
    "adding-a-report.md",
    "cookbook.md",
    "ways-in.md",
}
"""Pages whose code is followed step by step, or compared with what it prints."""

NOT_RUN = {
    "bench": "takes ten minutes; tests/unit/benchmarks runs its parts on small packages",
    "bench-lake": "needs a database; tests/unit/benchmarks runs its parts on small packages",
    "bench-sources": "takes minutes; tests/unit/benchmarks runs it with a few sources",
    "bench-whole": "takes minutes; tests/unit/benchmarks runs it with a few sources",
    "bench-profile": "needs a tracer's rights, which the machine of the tests may not have",
    "test-fast": "is a part of `make test`; tests/unit/test_tiers.py shows which",
    "test-long": "takes hours; each of its tests has a short form in `make test`",
    "lint": "runs before the tests, in .ci/run",
    "docs": "is a part of `make lint`",
    "screenshots": "takes minutes; tests/services/test_pictures.py takes the same pictures of the tests' Airflow",
    "lock": "asks the package index; tests/unit/test_dependencies.py looks at what it wrote",
    "test": "is what runs this test",
}
"""Commands of the pages that no test runs, each with the reason."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def all_blocks(language: str) -> dict[str, str]:
    """Each block of a language, by its page and place in it."""
    return {
        f"{page.name} {number}": block
        for page in PAGES
        if page.name not in RUN_BY_OTHER_TESTS
        for number, block in enumerate(blocks(page, language), start=1)
    }


PRINTED = {"querying.md 1": "genomes", "api.md 1": "load committed, "}
"""What some of the blocks print."""


@pytest.fixture(scope="module")
def loaded(airflow_home, tmp_path_factory) -> Iterator[DataFolder]:
    """A data folder with everything that the stand-in shows, loaded by the DAG; the environment is as for its run."""
    folder = tmp_path_factory.mktemp("loaded")
    sources = folder / "sources.yaml"
    sources.write_text(
        "sources: {mpox: {taxon: 10244}, viruses: {taxon: 10239, aux_reports: [ANNOTATION], sequences: [GENOME]}}",
        encoding="utf-8",
    )
    with StandIn() as stand_in, pytest.MonkeyPatch.context() as environment:
        environment.setenv("VIRUS_DATA", str(folder / "data"))
        environment.setenv("VIRUS_SOURCES", str(sources))
        environment.setenv("NCBI_DATASETS_URL", stand_in.url)
        run_and_publish("ncbi_virus_ingest__viruses")
        yield DataFolder(folder / "data")


@pytest.mark.parametrize("name", all_blocks("python"))
def test_every_python_block_runs(loaded, name):
    block = all_blocks("python")[name]
    if name == "api.md 1":
        block += "print(result)"
    demo = loaded.root / "demo"  # as `make demo` leaves it: the README's plot is of it
    if not demo.exists():
        demo.symlink_to(loaded.root)
    environment = os.environ | {"PYTHONPATH": f"{CHECKOUT}/include{os.pathsep}{CHECKOUT}/plugins"}
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=loaded.root.parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert PRINTED.get(name, "") in done.stdout


def test_the_first_plot_is_a_picture_with_bars(loaded):
    plot = loaded.root.parent / "data" / "genomes.svg"
    if not plot.exists():
        test_every_python_block_runs(loaded, "README.md 1")
    assert plot.read_text(encoding="utf-8").count('aria-roledescription="bar"') > 10


@pytest.mark.parametrize("name", all_blocks("sql"))
def test_every_query_answers(loaded, name):
    with duckdb.connect(loaded.snapshot, read_only=True) as snapshot:
        rows = snapshot.sql(all_blocks("sql")[name]).fetchall()
    # No record has been withdrawn yet, and the stand-in's influenza is not of cattle.
    assert rows or name in ("withdrawn-records.md 1", "saved-questions.md 1")


def test_the_queries_of_the_page_answer_what_it_says(loaded):
    (hosts, peptides, weeks) = blocks(DOCS / "querying.md", "sql")
    with duckdb.connect(loaded.snapshot, read_only=True) as snapshot:
        assert {name for name, _ in snapshot.sql(hosts).fetchall()} == {"Mammalia", "Aves"}
        assert all(polyprotein and ranges for _, polyprotein, _, ranges in snapshot.sql(peptides).fetchall())
        assert len(snapshot.sql(peptides).fetchall()) > 0
        assert all(re.fullmatch(r"\d{4}-W\d{2}", week) and records for week, records in snapshot.sql(weeks).fetchall())
        assert len(snapshot.sql(weeks).fetchall()) > 10


def section(page: str, heading: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_every_mart_named_is_in_the_snapshot_and_none_is_left_out(loaded):
    table = section("querying.md", "Marts: counts that come out right").split("```sql")[0]
    with duckdb.connect(loaded.snapshot, read_only=True) as snapshot:
        views = snapshot.sql(
            "SELECT view_name FROM duckdb_views() WHERE schema_name = 'mart' "
            "UNION ALL SELECT table_name FROM duckdb_tables() WHERE schema_name = 'mart'"
        ).fetchall()
        for name in set(re.findall(r"`(mart\.[^`]+)`", table)):
            snapshot.sql(f"FROM {name} LIMIT 1").fetchall()
    asides = {"first_load"}  # what the text after the table says of first_seen_at
    assert {name for (name,) in views} - asides <= set(re.findall(r"`(?:mart\.)?([a-z_]+)`", table))


def test_the_yaml_is_a_valid_source(tmp_path):
    from virus_warehouse.sources import read_sources

    blocks_of_pages = all_blocks("yaml")
    assert {"sources.md 1", "sequences.md 1", "alerts.md 1"} <= blocks_of_pages.keys()
    for block in blocks_of_pages.values():
        source = "" if "sources:\n" in block else "sources: {mpox: {taxon: 10244}}\n"
        (tmp_path / "sources.yaml").write_text(source + block, encoding="utf-8")
        read = read_sources(tmp_path / "sources.yaml")
        assert (read.errors, read.alerts_error) == ({}, None)


def commands_of_the_pages() -> set[tuple[str, ...]]:
    """Each `make` command that a page names, as its target and the names of its variables."""
    named = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        code = "\n".join(re.findall(r"^ *```\w*\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE))
        spans = re.findall(r"`(make [^`]+)`", text)
        spans += re.findall(r"^ *(?:\$ )?(?:.*\| )?(make .*?)(?: *#.*)?$", code, flags=re.MULTILINE)
        named |= {command(shlex.split(span)) for span in spans}
    return named


def command(words: list[str]) -> tuple[str, ...]:
    """The target and the names of the variables of `make ingest SOURCE=mpox`."""
    target, *variables = words[1:]
    return (target, *sorted(variable.split("=")[0] for variable in variables))


@cache
def commands_of_the_tests() -> set[tuple[str, ...]]:
    """Each `make` command that a test runs."""
    run = set()
    for path in (CHECKOUT / "tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"\bmake(_here)?\(|\"make\"", text):
            continue
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("make", "make_here"):
                words = call.args
            elif isinstance(call, ast.List) and call.elts and _text(call.elts[0]) == "make":
                words = call.elts[1:]
            else:
                continue
            if texts := [text for word in words if not (text := _text(word)).startswith("-")]:
                run.add(command(["make", *texts]))
    return run


def _text(word: ast.expr) -> str:
    """What a word of a command begins with: an f-string ends where its first value stands."""
    if isinstance(word, ast.JoinedStr):
        word = word.values[0]
    return word.value if isinstance(word, ast.Constant) and isinstance(word.value, str) else "-"


def test_every_command_is_run_by_a_test():
    named, run = commands_of_the_pages(), commands_of_the_tests()
    assert ("ingest", "SOURCE") in named & run
    with_more = {(target, *names) for target, *names in named if any(set(one) >= {target, *names} for one in run)}
    assert {one for one in named - with_more if one[0] not in NOT_RUN} == set()
    assert set(NOT_RUN) <= {target for target, *_ in named}, "nothing is excused that no page names"
    assert not set(NOT_RUN) & {target for target, *_ in run}, "nothing is excused that is run"


def test_every_variable_is_given_by_a_test():
    named = {name for page in PAGES for name in re.findall(r"`([A-Z_]+)=1`", page.read_text(encoding="utf-8"))}
    assert named <= {name for _, *names in commands_of_the_tests() for name in names}


def test_what_is_not_run_here_is_run_before():
    script = (CHECKOUT / ".ci/run").read_text(encoding="utf-8")
    assert re.findall(r"^(?:exec )?make (\w+)", script, flags=re.MULTILINE) == ["lint", "test"]


def test_every_table_named_is_in_the_snapshot(loaded):
    table = section("querying.md", "Tables")
    named = set(re.findall(r"`((?:ops\.)?[a-z_]+)`", "".join(re.findall(r"^\|(.*?)\|", table, flags=re.MULTILINE))))
    with duckdb.connect(loaded.snapshot, read_only=True) as snapshot:
        held = snapshot.sql(
            "SELECT CASE schema_name WHEN 'main' THEN '' ELSE schema_name || '.' END || table_name "
            "FROM duckdb_tables() WHERE schema_name <> 'mart'"
        )
        assert named == {name for (name,) in held.fetchall()} - {"ops.alembic_version"}
