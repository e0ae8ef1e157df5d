"""The histories of `test_warehouse_model.py`, with the warehouse in a lake.

Random ones are played on a file at once, and compared with it after every run.
"""

from collections.abc import Iterator

import pytest

from tests.property.test_warehouse_model import (
    KINDS,
    LONG_STEPS,
    STEPS,
    HistoryFactory,
    happened,
    history_factory,
    run_cases,
    run_scripted_history,
)
from tests.support.lakes import NEEDS_LAKES, catalogs
from tests.support.seeds import session_seed

__all__ = ["history_factory"]

pytestmark = [pytest.mark.slow, NEEDS_LAKES]

LONG_CASES = 1000


@pytest.fixture(scope="module")
def catalog() -> Iterator[str]:
    with catalogs() as url:
        yield url


@pytest.mark.long
def test_lake_matches_the_model_in_a_scripted_history(history_factory: HistoryFactory, catalog: str) -> None:
    with history_factory(shares_of=1_000_000, catalog=catalog) as new_history:
        run_scripted_history(new_history)
    assert KINDS - happened.keys() == {"rebuilds"}


def test_lake_matches_the_model_in_random_histories(history_factory: HistoryFactory, catalog: str) -> None:
    run_cases(history_factory, 1, seed=1, cases=1, steps=STEPS, catalog=catalog)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_lake_matches_the_model_in_many_long_histories(history_factory: HistoryFactory, catalog: str) -> None:
    run_cases(history_factory, 1, seed=session_seed(), cases=LONG_CASES, steps=LONG_STEPS, catalog=catalog)
