"""The seed of a session of long tests."""

import os


def session_seed() -> int:
    """The seed that `tests/support/tiers.py` has chosen for this session, or that `make test-long SEED=123` has set."""
    return int(os.environ["VIRUS_TEST_SEED"])
