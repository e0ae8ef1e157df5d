"""Tests without pandas: DuckDB looks for it at every statement, which takes a third of the time of a short run."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def hide_pandas(patch: "pytest.MonkeyPatch") -> None:
    """Let no module find pandas in this process.

    Not with the finder: DuckDB keeps the error of an import, whose frames keep what the process had open.
    """
    import pyarrow as pa

    pa.array([])  # pyarrow looks for pandas at its first use, and fails if it finds None
    patch.setitem(sys.modules, "pandas", None)
