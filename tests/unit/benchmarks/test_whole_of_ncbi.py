"""The benchmark of a warehouse as large as NCBI Virus runs, on a few sources and records."""

import pytest

from benchmarks.whole_of_ncbi import measure

pytestmark = pytest.mark.slow


def test_what_it_costs_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
    monkeypatch.setenv("VIRUS_SOURCES", "set by the benchmark")
    figures = measure(4, None, None, records=200)
    assert {"a day of a source", "next publication", "the snapshot", "page /runs"} <= set(figures)
    assert all(seconds or mib for seconds, mib in figures.values())
