"""Counts in messages, in the singular or the plural."""

import re
from pathlib import Path

import pytest

from virus_warehouse.run_result import IngestResult
from virus_warehouse.warehouse.run_record import OUTCOMES
from virus_warehouse.wording import counted, plural

INCLUDE = Path(__file__).parents[3] / "include" / "virus_warehouse"
THINGS = "fields|files|genomes|lines|loads|packages|records|rows|runs|sources|statements|times"
WITHOUT_SINGULAR = re.compile(rf"(?:[^}}]\}}|%d|%s) (?:[a-z]+ )?(?:{THINGS})\b")
"""A number that a message is given, and a noun that is always in the plural."""

ALLOWED = {
    "cli/sql.py": "one statement is no error",
    "ncbi/package.py": "a name that is found once is no error",
    "pages/explore/plots.py": "a constant",
    "warehouse/load_gates.py": "gates do not look at fewer than ten",
}


def test_one_is_singular() -> None:
    assert [counted(number, "line") for number in (0, 1, 2, 1200)] == ["0 lines", "1 line", "2 lines", "1200 lines"]
    assert (plural(1, "row"), plural(3, "row")) == ("row", "rows")


def test_no_message_puts_a_plural_behind_any_number() -> None:
    found = {
        str(path.relative_to(INCLUDE)): line.strip()
        for path in INCLUDE.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if WITHOUT_SINGULAR.search(line) and ('"' in line) and not line.lstrip().startswith(("#", '"""'))
    }
    assert found.keys() == ALLOWED.keys(), found


@pytest.mark.parametrize(("lines", "words"), [(1, "1 line = 1 inserted"), (2, "2 lines = 2 inserted")])
def test_result_of_a_run_is_a_sentence(lines: int, words: str) -> None:
    counts = {**dict.fromkeys(OUTCOMES), "lines": lines, "inserted": lines, "missing": None, "withdrawn": None}
    result = IngestResult("run", "mpox", "full", None, None, None, counts, {"annotation_report": counts})
    text = f"mpox: full load committed, {words}; annotation report: {words}; watermark none"
    assert str(result) == text
