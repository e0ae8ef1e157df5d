"""`make ingest`, `census` and `replay`, each with SOURCE=mpox: one run now, by Airflow.

The last line and the exit code tell the outcome.
"""

import argparse
import sys
from datetime import UTC, datetime

from run_dag import run_dag

from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.publish.about import told_findings
from virus_warehouse.publish.gates import BLOCKING
from virus_warehouse.publish.snapshot import candidate_path
from virus_warehouse.run_file import states_since
from virus_warehouse.sources import SourceError, read_sources


def main() -> None:
    """Run the DAG that does what the command line says."""
    options = _parser().parse_args()
    try:
        source = read_sources().source(options.source)
        data = DataFolder.from_environment()
    except (SourceError, DataFolderError) as error:
        sys.exit(f"{error}\nusage: make {options.what} SOURCE=mpox")
    conf: dict[str, object] = {name: True for name in ("accept_missing", "accept_emptied") if getattr(options, name)}
    if options.accept_findings:
        conf["accept_findings"] = options.accept_findings
    dag_id = f"ncbi_virus_ingest__{source.name}"
    if options.what == "census":
        dag_id, conf = "ncbi_virus_census", {"source": source.name, **conf}
    elif options.what == "replay":
        conf["mode"] = "replay"
    started = datetime.now(UTC)
    exit_code = run_dag(dag_id, conf=conf)
    sys.stdout.flush()
    print(outcome(data, source.name, started, exit_code))
    sys.exit(1 if exit_code else 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["ingest", "census", "replay"])
    parser.add_argument("source", help="a source of sources.yaml")
    parser.add_argument("--accept-missing", action="store_true", help="accept that many records are gone")
    parser.add_argument("--accept-emptied", action="store_true", help="accept that a field is emptied")
    parser.add_argument("--accept-findings", nargs="+", choices=BLOCKING, help="gates that shall keep nothing back")
    return parser


def outcome(data: DataFolder, source: str, started: datetime, exit_code: int) -> str:
    """The outcome of the run in one line, from its run file and from what the check found."""
    own = list(states_since(data.runs, source, started))
    if not own:
        return f"FAILED {source}: the ingest did not start; Airflow's log above says why"
    state = max(own, key=lambda state: str(state["started_at"]))
    if state["status"] != "success":
        error = " ".join(str(state.get("error", "the process ended early")).split())
        return f"FAILED {source}: {error} (run {state['run_id']})"
    told = f"{state['summary']} (run {state['run_id']})"
    findings = told_findings(candidate_path(data, state["run_id"]) if exit_code else data.snapshot)
    if exit_code:
        return " ".join([f"FAILED {source}: loaded but not published; the last good snapshot stays.", *findings, told])
    return " ".join([f"OK {told}", *findings])


if __name__ == "__main__":
    main()
