"""The benchmark of a warehouse as large as NCBI Virus runs, on a few sources and records."""

import pytest

from benchmarks import whole_of_ncbi
from benchmarks.measured import peak_rss_mib
from benchmarks.whole_of_ncbi import measure

pytestmark = pytest.mark.slow


def in_this_process(measured, *arguments):
    """Instead of a process of its own for each measurement, which takes a second to import the product."""
    return measured(*arguments), peak_rss_mib()


@pytest.mark.parametrize("with_processes", [False, pytest.param(True, marks=pytest.mark.long)])
def test_what_it_costs_is_measured(tmp_path, monkeypatch, with_processes):
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
    monkeypatch.setenv("VIRUS_SOURCES", "set by the benchmark")
    if not with_processes:
        monkeypatch.setattr(whole_of_ncbi, "_in_a_process", in_this_process)
        monkeypatch.setattr(whole_of_ncbi, "PAGES", ("/", "/runs"))  # test_many_sources.py requests the plots
    figures = measure(2, None, None, records=100)
    assert {"a day of a source", "next publication", "the snapshot", "page /runs"} <= set(figures)
    assert all(seconds or mib for seconds, mib in figures.values())
