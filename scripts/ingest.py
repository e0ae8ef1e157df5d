"""`make ingest SOURCE=mpox`: the source's DAG once, now; the last line and the exit code tell the outcome."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from run_dag import run_dag

from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.sources import SourceError, read_sources


def main() -> None:
    """Run the DAG of the source named on the command line."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        source = read_sources().source(name)
        data = DataFolder.from_environment()
    except (SourceError, DataFolderError) as error:
        sys.exit(f"{error}\nusage: make ingest SOURCE=mpox")
    started = datetime.now(UTC)
    exit_code = run_dag(f"ncbi_virus_ingest__{source.name}")
    sys.stdout.flush()
    print(outcome(data.runs, source.name, started, exit_code))
    sys.exit(1 if exit_code else 0)


def outcome(runs: Path, source: str, started: datetime, exit_code: int) -> str:
    """The outcome of the run in one line, from its run file."""
    states = [json.loads(path.read_text(encoding="utf-8")) for path in runs.glob(f"*-{source}-*.json")]
    own = [state for state in states if datetime.fromisoformat(state["started_at"]) >= started]
    if not own:
        return f"FAILED {source}: the ingest did not start; Airflow's log above says why"
    state = max(own, key=lambda state: state["started_at"])
    if state["status"] != "success":
        error = " ".join(str(state.get("error", "the process ended early")).split())
        return f"FAILED {source}: {error} (run {state['run_id']})"
    told = f"{state['summary']} (run {state['run_id']})"
    if exit_code:
        return f"FAILED {source}: loaded but not published; the last good snapshot stays. {told}"
    return f"OK {told}"


if __name__ == "__main__":
    main()
