"""Tests without pandas: DuckDB looks for it at every statement, which takes a third of the time of a short run."""

import sys

import pyarrow as pa
import pytest

pa.array([])  # pyarrow looks for pandas at its first use, and fails if it finds None


def hide_pandas(patch: pytest.MonkeyPatch) -> None:
    """Let no module find pandas."""
    patch.setitem(sys.modules, "pandas", None)
