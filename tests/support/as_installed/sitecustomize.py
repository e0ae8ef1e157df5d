"""On the PYTHONPATH of a process: it has the packages that users have, without those of the tests.

DuckDB imports these two where it finds them, which takes a process most of a second of processor.
"""

import sys

sys.modules.update(dict.fromkeys(("pandas", "pyarrow")))
