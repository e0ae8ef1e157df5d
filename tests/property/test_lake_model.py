"""The histories of `test_warehouse_model.py`, with the warehouse in a lake.

Random ones, which are for `make test-long`, are played on a file at once, and compared with it after every run.
`make test` has a short one, and `tests/integration/test_lake_history.py`, which compares a lake with a file at the end.
"""

from collections.abc import Iterator

import pytest

from tests.property.test_warehouse_model import (
    ACCESSIONS,
    FIRST_DAY,
    KINDS,
    LONG_STEPS,
    NONE,
    HistoryFactory,
    happened,
    history_factory,
    run_cases,
    run_scripted_history,
)
from tests.support.fake_ncbi import LACKING, BadLine, GenomeOff, LineBroken, ListedTwice, Released, Revised
from tests.support.lakes import NEEDS_LAKES, catalogs
from tests.support.seeds import session_seed

__all__ = ["history_factory"]

pytestmark = [pytest.mark.slow, NEEDS_LAKES]

LONG_CASES = 1000


@pytest.fixture(scope="module")
def catalog() -> Iterator[str]:
    with catalogs() as url:
        yield url


def test_lake_matches_the_model_in_a_short_history(history_factory: HistoryFactory, catalog: str) -> None:
    """A full load, an incremental one with a refused line, and a replay."""
    with history_factory(shares_of=1_000_000, catalog=catalog) as new_history:
        history = new_history()
        history.first_load([Released(name, FIRST_DAY, "human") for name in ACCESSIONS], True)
        changes = [Revised(0, {"length": 2}, 1), ListedTwice(2, 2, {"length": 3}, 0), LineBroken(BadLine("{"), 1)]
        history.scheduled_run([*changes, GenomeOff(3, LACKING)], NONE)
        history.refused_lines_read_again()
        with history.reading():
            history.compare_growing_tables()
    assert {"full runs", "incremental runs", "replay runs"} <= happened.keys()
    assert {"inserted", "revised", "duplicate", "quarantined", "genomes stored"} <= happened.keys()


@pytest.mark.long
def test_lake_matches_the_model_in_a_scripted_history(history_factory: HistoryFactory, catalog: str) -> None:
    with history_factory(shares_of=1_000_000, catalog=catalog) as new_history:
        run_scripted_history(new_history)
    assert KINDS - happened.keys() == set()


@pytest.mark.long
@pytest.mark.timeout(0)
def test_lake_matches_the_model_in_many_long_histories(history_factory: HistoryFactory, catalog: str) -> None:
    run_cases(history_factory, 1, seed=session_seed(), cases=LONG_CASES, steps=LONG_STEPS, catalog=catalog)
