"""Tests of a whole installation, which has a DuckDB of a version that the package requires."""

from importlib.metadata import requires

import duckdb
import pytest
from packaging.requirements import Requirement

_REQUIRED = {one.name: one.specifier for one in map(Requirement, requires("virus-warehouse") or ()) if not one.marker}
_RANGE = _REQUIRED["duckdb"]

NEEDS_REQUIRED_DUCKDB = pytest.mark.skipif(
    duckdb.__version__ not in _RANGE, reason=f"the doctor rightly says that DuckDB {duckdb.__version__} is not {_RANGE}"
)
