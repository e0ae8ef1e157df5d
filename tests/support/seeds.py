"""The seed of a session of long tests."""

import os


def session_seed() -> int:
    """What `tests/support/tiers.py` has chosen for this session, or `make test-long SEED=123` has given."""
    return int(os.environ["VIRUS_TEST_SEED"])
