"""Runs one case in its own process: `python -m benchmarks.one_case TARGET SCRATCH PACKAGE`.

Each case has a new process because peak memory cannot be reset, and because caches and allocators keep state between
cases. Imports are done before the clock starts.
"""

import importlib
import json
import sys
from pathlib import Path

from benchmarks.measured import CaseInput, Clock, Target
from benchmarks.no_pandas import NoPandas

MEASUREMENT = "measurement.json"


def main() -> None:
    """Measure the case, and write the measurement to the scratch folder."""
    module, function = sys.argv[1].split(":")
    if not module.startswith("benchmarks.peers."):
        sys.meta_path.insert(0, NoPandas())
    target: Target = getattr(importlib.import_module(module), function)
    inputs = CaseInput(Path(sys.argv[2]), Path(sys.argv[3]), Clock())
    outcome, clock = target(inputs), inputs.clock
    measurement = {
        "wall_seconds": round(clock.wall_seconds, 4),
        "cpu_seconds": round(clock.cpu_seconds, 4),
        "peak_rss_mib": round(clock.peak_rss_mib, 1),
        "file_mib": None if outcome.file is None else round(outcome.file.stat().st_size / 2**20, 2),
        "rows": outcome.rows,
        "seconds": {stage: round(seconds, 4) for stage, seconds in outcome.seconds.items()},
        "answers": outcome.answers,
    }
    (inputs.scratch / MEASUREMENT).write_text(json.dumps(measurement), encoding="utf-8")


if __name__ == "__main__":
    main()
