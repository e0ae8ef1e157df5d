"""The other half of the histories of `test_warehouse_model.py`: `--dist loadfile` gives each file to one worker."""

import pytest

from tests.property.test_warehouse_model import (
    CASES,
    LONG_CASES,
    LONG_STEPS,
    PARTS,
    STEPS,
    HistoryFactory,
    history_factory,
    run_cases,
)
from tests.support.seeds import session_seed
from tests.support.tiers import some_of

__all__ = ["history_factory"]


@pytest.mark.parametrize("part", some_of(range(1, PARTS, 2), one_in=2))
def test_warehouse_matches_the_model_in_random_histories(part: int, history_factory: HistoryFactory) -> None:
    run_cases(history_factory, part, seed=part, cases=CASES, steps=STEPS)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(1, PARTS, 2))
def test_warehouse_matches_the_model_in_many_long_histories(part: int, history_factory: HistoryFactory) -> None:
    run_cases(history_factory, part, seed=session_seed() + part, cases=LONG_CASES, steps=LONG_STEPS)
