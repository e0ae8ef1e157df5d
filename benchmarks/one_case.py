"""One case in a process of its own: `python -m benchmarks.one_case TARGET SCRATCH PACKAGE`.

A fresh process because peak memory cannot be reset, and what one case leaves in caches and allocators is not the next
one's to have. Imports are done before the clock starts.
"""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import cast

from benchmarks.measured import Clock, Given, Target

MEASUREMENT = "measurement.json"

OF_TESTS = ("pandas", "pyarrow")
"""What tests install and what runs does not need. DuckDB imports them where it finds them, with a second and 100 MB."""


def main() -> None:
    """Measure, and write what was measured to the scratch folder."""
    module, function = sys.argv[1].split(":")
    if not module.startswith("benchmarks.peers."):
        # As where they are not installed: an import of None fails.
        sys.modules.update(dict.fromkeys(OF_TESTS, cast(ModuleType, None)))
    target: Target = getattr(importlib.import_module(module), function)
    given = Given(Path(sys.argv[2]), Path(sys.argv[3]), Clock())
    outcome, clock = target(given), given.clock
    measurement = {
        "wall_seconds": round(clock.wall_seconds, 4),
        "cpu_seconds": round(clock.cpu_seconds, 4),
        "peak_rss_mib": round(clock.peak_rss_mib, 1),
        "file_mib": None if outcome.file is None else round(outcome.file.stat().st_size / 2**20, 2),
        "rows": outcome.rows,
        "seconds": {stage: round(seconds, 4) for stage, seconds in outcome.seconds.items()},
        "answers": outcome.answers,
    }
    (given.scratch / MEASUREMENT).write_text(json.dumps(measurement), encoding="utf-8")


if __name__ == "__main__":
    main()
