"""A process without pandas, which only the tests install.

DuckDB imports it where it finds it, which takes a process most of a second of processor.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))
from benchmarks.no_pandas import NoPandas

sys.path.pop()
sys.meta_path.insert(0, NoPandas())
