"""Hides pandas, which only the tests and the benchmark's peers need, from the processes that are measured.

DuckDB imports it where it is installed, which costs half a second and 90 MB.
"""

from collections.abc import Sequence
from types import ModuleType


class NoPandas:
    """A finder of modules before all others, for `sys.meta_path`."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Fail for pandas as if it were not installed."""
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
