"""The benchmark of lakes runs, on a few records."""

import pytest

from benchmarks import lake
from tests.support.lakes import NEEDS_LAKES, catalogs

pytestmark = [pytest.mark.slow, NEEDS_LAKES]


@pytest.mark.long
def test_both_are_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lake, "ROUNDS", 1)
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
    with catalogs() as catalog:
        lake.main(catalog, records=200, changed=20)
    assert "200 records, 20 of them changed" in capsys.readouterr().out
