"""The benchmarks of pages and of many sources run, on a few sources and records."""

from functools import cache, partial

import pytest

from benchmarks import many_sources, pages
from benchmarks.many_sources import measure

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def restored_environment(monkeypatch):
    for name in ("VIRUS_DATA", "VIRUS_SOURCES"):
        monkeypatch.setenv(name, "set by the benchmark")


@pytest.mark.parametrize("parses_twice", [False, pytest.param(True, marks=pytest.mark.long)])
def test_everything_that_depends_on_the_number_of_sources_is_measured(monkeypatch, parses_twice):
    monkeypatch.setattr(many_sources, "REPEATS", 1)
    if not parses_twice:  # each time in a process that imports Airflow, which takes seconds
        parsed = cache(partial(many_sources.parsed, dag_id="ncbi_virus_ingest__source_07"))
        monkeypatch.setattr(many_sources, "parsed", lambda home, dag_id=None: parsed(home))
    seconds = measure(8, records=200)
    assert {"parsing at the start of a task", "next publication", "page /", "alerts, when nothing has changed"} <= set(
        seconds
    )
    assert all(each > 0 for each in seconds.values())


def test_every_page_is_measured(monkeypatch, capsys):
    for name, value in {"SOURCES": 8, "RECORDS": 200, "REQUESTS": 1}.items():
        monkeypatch.setattr(pages, name, value)
    pages.main()
    printed = capsys.readouterr().out
    assert "8 sources, 80 runs, 200 records" in printed
    assert all(name in printed for name in pages.PAGES)
