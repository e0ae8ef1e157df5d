"""`make cookbook`: docs/cookbook.md anew, and what the code in docs/ways-in.md prints, both on the demo's data.

The demo ends today, so its data are new every day. The pages' are the demo's sources and records around a day that
stays, loaded on three days at six in the morning, with a census on the last two of them: the same pages every time.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import requests
import time_machine
from demo import CHECKOUT, SOURCES, move_clock, stand_in

from virus_warehouse.cookbook import FOLDER, Recipe, chapters
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish.publication import publish
from virus_warehouse.run_mode import CENSUS
from virus_warehouse.sources import SourcesFile, read_sources
from virus_warehouse.sql_file import sql_text
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.windows import WindowRequest

DOCS = CHECKOUT / "docs"
LAST_DAY = date(2026, 11, 20)
MOST_ROWS = 12
"""So many rows of an answer stand on the page."""

HEAD = """\
# Cookbook

Questions that people ask of the snapshot, each with its SQL and what came out of it. The answers are **made up**, like
all records of `make demo`: they are those of the demo's sources around a fixed day, {last_day}, so that they stay the
same. `make demo` gives you records of the same kind around today.

In `virus-warehouse sql`, `FROM recipe(7);` answers the seventh question on your own snapshot,
`FROM recipe_sql(7);` shows its SQL, and `FROM cookbook;` lists them all.
From anywhere else, open `data/published/virus.duckdb` read-only and paste
([ways in](ways-in.md)). What the tables and columns mean: [tables](tables.md).

Three habits make a count right. Count in `virus_genome_distinct`, or in one source: a record that two sources follow
stands twice in `virus_genome`. Ask for days with `collection_date_min` and `collection_date_max`: `2026-03` is a month,
and no first of March. And leave withdrawn records where they are, in `virus_genome_history`.
"""
FOOT = """
---

This page is made by `make cookbook` from the files in `include/virus_warehouse/cookbook/recipes/`; a test makes it
anew and compares.
"""


def main() -> None:
    """Make the world, ask it every question, run the code, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder the pages go to")
    parser.add_argument("--world", type=Path, help="folder whose `data` is made and kept; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        world = options.world or Path(temporary)
        data = DataFolder(world / "data")
        make_world(data)
        with duckdb.connect(data.snapshot, read_only=True) as snapshot:
            (options.docs / "cookbook.md").write_text(cookbook_page(snapshot), encoding="utf-8")
        ways_in = (DOCS / "ways-in.md").read_text(encoding="utf-8")
        (options.docs / "ways-in.md").write_text(with_output(ways_in, world), encoding="utf-8")


def make_world(data: DataFolder) -> None:
    """Load and publish the demo's sources on three days, as the DAGs would have done then."""
    data.create()
    sources_file = data.root / "sources.yaml"
    sources_file.write_text(SOURCES, encoding="utf-8")
    sources = read_sources(sources_file)
    days = [LAST_DAY - timedelta(days=back) for back in (2, 1, 0)]
    with stand_in(days[0], epoch=LAST_DAY) as url:
        for day in days:
            move_clock(url, day)
            with time_machine.travel(datetime.combine(day, time(6), UTC), tick=False) as clock:
                run(data, sources, "sars2_usa", url)
                if day == LAST_DAY:
                    break_lines(url)
                run(data, sources, "viruses", url)
                if day > days[0]:
                    clock.shift(timedelta(hours=6))
                    run(data, sources, "viruses", url, WindowRequest(mode=CENSUS))


def break_lines(url: str) -> None:
    """Let the next package have a line that breaks off and a field that nobody knows, as NCBI's have at times."""
    faults = url.removesuffix("/datasets/v2") + "/control/faults"
    requests.post(faults, json={"kind": "odd_lines"}, timeout=10).raise_for_status()


def run(
    data: DataFolder, sources: SourcesFile, name: str, url: str, window_request: WindowRequest | None = None
) -> None:
    """Ingest, check and publish."""
    warehouse = Warehouse(data.warehouse)
    with DatasetsClient(url) as client:
        ingest(sources.source(name), client=client, warehouse=warehouse, data=data, wish=window_request)
    publish(warehouse, data, sources)


def cookbook_page(snapshot: duckdb.DuckDBPyConnection) -> str:
    """The whole cookbook."""
    snapshot.execute("SET TimeZone = 'UTC'")
    snapshot.execute(f"SET file_search_path = {sql_text(FOLDER)}")
    parts = [HEAD.format(last_day=LAST_DAY)]
    for topic, some in chapters():
        parts.append(f"\n## {topic}\n")
        parts.extend(entry(snapshot, recipe) for recipe in some)
    return "".join((*parts, FOOT))


def entry(snapshot: duckdb.DuckDBPyConnection, recipe: Recipe) -> str:
    """A recipe with its answer."""
    return (
        f"\n### {recipe.number}. {recipe.question}\n\n{recipe.explanation}\n\n"
        f"```sql\n-- recipe({recipe.number}), recipe('{recipe.name}')\n{recipe.sql};\n```\n\n"
        f"{answer(snapshot.sql(recipe.sql))}"
    )


def answer(result: duckdb.DuckDBPyRelation) -> str:
    """An answer as a Markdown table: its first rows, and how many more there are."""
    rows = result.project("COLUMNS(*)::VARCHAR").fetchall()
    told = [result.columns, [("---:" if _is_number(kind) else "---") for kind in result.types], *rows[:MOST_ROWS]]
    table = "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in told)
    more = len(rows) - MOST_ROWS
    return f"{table}\n*and {more} more*\n" if more > 0 else table


def _is_number(kind: object) -> bool:
    return str(kind) in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE") or "DECIMAL" in str(kind)


def _cell(value: str | None) -> str:
    return "" if value is None else value.replace("|", r"\|").replace("\n", " ")


def with_output(text: str, folder: Path) -> str:
    """A page, with what each piece of Python prints when it is run in that folder."""

    def run_block(block: re.Match[str]) -> str:
        command = [sys.executable, "-c", block["code"]]
        printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if printed.returncode != 0:
            sys.exit(f"{block['code']}\n{printed.stderr}")
        output = "\n".join(map(str.rstrip, printed.stdout.rstrip().splitlines()))
        return f"```python\n{block['code']}```\n\n```text\n{output}\n```"

    return re.sub(r"```python\n(?P<code>.*?)```\n\n```text\n.*?```", run_block, text, flags=re.DOTALL)


if __name__ == "__main__":
    main()
