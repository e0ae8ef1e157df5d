"""The benchmarks of pages and of many sources run, on a few sources and records."""

import pytest

from benchmarks import many_sources, pages
from benchmarks.many_sources import measure

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def restored_environment(monkeypatch):
    for name in ("VIRUS_DATA", "VIRUS_SOURCES"):
        monkeypatch.setenv(name, "set by the benchmark")


def test_everything_that_depends_on_the_number_of_sources_is_measured(monkeypatch):
    monkeypatch.setattr(many_sources, "REPEATS", 1)
    seconds = measure(8, records=800)
    assert {"parsing at the start of a task", "next publication", "page /", "alerts, when nothing has changed"} <= set(
        seconds
    )
    assert all(each > 0 for each in seconds.values())


def test_every_page_is_measured(monkeypatch, capsys):
    for name, value in {"SOURCES": 8, "RECORDS": 800, "REQUESTS": 1}.items():
        monkeypatch.setattr(pages, name, value)
    pages.main()
    printed = capsys.readouterr().out
    assert "8 sources, 80 runs, 800 records" in printed
    assert all(name in printed for name in pages.PAGES)
