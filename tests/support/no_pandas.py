"""Tests without pandas: DuckDB looks for it at every statement, which takes a third of the time of a short run."""

import sys

import pyarrow as pa
import pytest

pa.array([])  # it looks for pandas once, and never again


def hide_pandas(patch: pytest.MonkeyPatch) -> None:
    """Let no module find pandas."""
    patch.setitem(sys.modules, "pandas", None)
