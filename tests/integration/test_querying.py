"""The query side as its users see it: the cookbook, the prompt and the ways in, on the data that the pages show."""

import io
import os
import re
import subprocess
from pathlib import Path

import duckdb
import nbformat
import pexpect
import pytest
from nbclient import NotebookClient

from tests.support.commands import CHECKOUT, make
from tests.support.program import command
from virus_warehouse.cookbook import FOLDER, Recipe, recipes
from virus_warehouse.sequences.fasta_writer import write_fasta

DOCS = CHECKOUT / "docs"
NOTEBOOK = DOCS / "surveillance.ipynb"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's data around the day of the pages, and the pages made from it in `docs`."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "docs").mkdir()
    # One thread is enough for so few records, and takes less processor time than several.
    made = make("cookbook", f"COOKBOOK_ARGS=--world {folder} --docs {folder}/docs", VIRUS_THREADS="1")
    assert made.returncode == 0, made.stderr
    return folder


@pytest.mark.parametrize("page", ["cookbook.md", "ways-in.md"])
def test_page_shows_the_actual_output(world: Path, page: str) -> None:
    shown, made = ((folder / page).read_text(encoding="utf-8") for folder in (DOCS, world / "docs"))
    assert shown == made, "run make cookbook, and read what it changed"


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_every_recipe_answers_with_rows_in_an_order(world: Path, recipe: Recipe) -> None:
    with duckdb.connect(world / "data/published/virus.duckdb", read_only=True) as snapshot:
        snapshot.execute(f"SET file_search_path = '{FOLDER}'; SET threads = 2")
        rows = snapshot.sql(recipe.sql).fetchall()
        snapshot.execute("SET threads = 1")
        assert rows
        assert snapshot.sql(recipe.sql).fetchall() == rows


def test_every_command_line_of_the_page_runs(world: Path) -> None:
    lines = re.findall(r"^\$ (.*)$", (DOCS / "ways-in.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert lines
    for line in lines:
        environment = os.environ | {"VIRUS_DATA": str(world / "data")}
        done = subprocess.run(["bash", "-c", line], cwd=CHECKOUT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "Brazil" in done.stdout


@pytest.mark.parametrize(
    ("name", "molecule"),
    [
        ("sequences_for_a_tree", "genome"),
        ("one_sequence_per_patient", "genome"),
        ("spike_of_a_lineage", "cds"),
        ("sequences_since_last_build", "genome"),
    ],
)
def test_recipe_that_selects_sequences_writes_them_as_fasta(world: Path, name: str, molecule: str) -> None:
    (recipe,) = (one for one in recipes() if one.name == name)
    written = io.BytesIO()
    with duckdb.connect(world / "data/published/virus.duckdb", read_only=True) as snapshot:
        rows = snapshot.sql(recipe.sql).fetchall()
        result = write_fasta(snapshot, recipe.sql, written, molecule)
    assert (result.written, result.missing) == (len(rows), [])
    assert written.getvalue().count(b">") == len(rows)


class TestPrompt:
    def test_piped_in_it_prints_answers_only(self, world: Path) -> None:
        typed = ".mode csv\nSELECT count(*) AS records FROM virus_genome;\n"
        done = command("sql", typed=typed, VIRUS_DATA=str(world / "data"))
        assert done.stdout.split() == ["records", "318"], done.stderr

    def test_it_answers_every_recipe_by_number_and_by_name(self, world: Path) -> None:
        typed = ".mode csv\n.nullvalue NULL\n"
        for recipe in recipes():
            typed += f"SELECT {recipe.number} AS asked, count(*) AS rows FROM recipe({recipe.number});\n"
            typed += f"SELECT '{recipe.name}' AS asked, count(*) AS rows FROM recipe('{recipe.name}');\n"
        done = command("sql", typed=typed, VIRUS_DATA=str(world / "data"))
        assert done.stderr == ""
        answers = [line.split(",") for line in done.stdout.splitlines() if line != "asked,rows"]
        assert [asked for asked, _ in answers] == [
            str(key) for recipe in recipes() for key in (recipe.number, recipe.name)
        ]
        assert all(int(rows) > 0 for _, rows in answers)

    def test_it_shows_the_sql_of_a_recipe(self, world: Path) -> None:
        done = command("sql", typed=".mode list\n.headers off\nFROM recipe_sql(3);\n", VIRUS_DATA=str(world / "data"))
        assert done.stdout.strip() == recipes()[2].sql

    @pytest.mark.parametrize(("which", "called"), [("99", "99"), ("'it''s'", "it's")])
    def test_it_says_so_when_there_is_no_such_recipe(self, world: Path, which: str, called: str) -> None:
        done = command("sql", typed=f"FROM recipe({which});\n", VIRUS_DATA=str(world / "data"))
        assert f"the cookbook has no recipe {called}: FROM cookbook; lists them" in done.stderr

    def test_it_writes_nothing_and_shows_times_in_utc(self, world: Path) -> None:
        typed = "DELETE FROM virus_genome;\nSELECT max(ended_at) AS last FROM ops.ingest_run;\n"
        done = command("sql", typed=typed, VIRUS_DATA=str(world / "data"), TZ="America/Los_Angeles")
        assert "read-only" in done.stderr
        assert "2026-11-20 12:00:00+00" in done.stdout

    def test_own_files_are_found_in_the_working_directory(self, world: Path) -> None:
        typed = ".mode list\n.headers off\nSELECT size FROM read_text('README.md');\n"
        done = command("sql", typed=typed, VIRUS_DATA=str(world / "data"))
        assert int(done.stdout) == (CHECKOUT / "README.md").stat().st_size, done.stderr

    def test_at_a_terminal_it_lists_completes_and_remembers(self, world: Path, tmp_path: Path) -> None:
        environment = os.environ | {"HOME": str(tmp_path), "VIRUS_DATA": str(world / "data"), "TERM": "xterm"}
        words = ["--no-print-directory", "sql"]
        prompt = pexpect.spawn(
            "make", words, cwd=CHECKOUT, env=environment, encoding="utf-8", dimensions=(80, 200), timeout=60
        )
        for recipe in recipes():
            prompt.expect_exact(f"{recipe.number}  {recipe.question}")
        prompt.expect("D ")
        prompt.sendline("FROM recipe('under_a_taxon');")
        prompt.expect_exact("dengue virus type 4")
        prompt.expect("└")
        prompt.send("SELECT count(*) FROM virus_genome_h\t")
        prompt.expect("istory")
        prompt.sendline(";")
        prompt.expect_exact("count_star()")
        prompt.sendline(".exit")
        prompt.expect(pexpect.EOF)
        history = (tmp_path / ".duckdb_history").read_text(encoding="utf-8").splitlines()
        assert history[:2] == ["FROM recipe('under_a_taxon');", "SELECT count(*) FROM virus_genome_history;"]


class TestNotebook:
    def test_it_is_kept_without_output(self) -> None:
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)
        assert all(cell.metadata == {} for cell in notebook.cells)

    def test_it_runs_from_top_to_bottom(self, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VIRUS_DATA", str(world / "data"))
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
        shown = "".join(
            output.get("text", "") + output.get("data", {}).get("text/plain", "")
            for cell in notebook.cells
            if cell.cell_type == "code"
            for output in cell.outputs
        )
        assert "records as of 2026-11-20T12:00:00+00:00" in shown
        assert "Monkeypox" in shown
