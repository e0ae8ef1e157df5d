"""`make ingest`, `census` and `replay`, each with SOURCE=mpox: one run now and its publication, by Airflow.

The last line and the exit code tell the outcome.
"""

import argparse
import sys
from datetime import UTC, datetime

from publish import PUBLISH, accepting, add_accept_findings, findings, is_published
from run_dag import run_dags

from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.publish.about import published_about
from virus_warehouse.run_file import states_since
from virus_warehouse.sources import SourceError, read_sources


def main() -> None:
    """Run the DAG that does what the command line says, and then the publication."""
    options = _parser().parse_args()
    try:
        source = read_sources().source(options.source)
        data = DataFolder.from_environment()
    except (SourceError, DataFolderError) as error:
        sys.exit(f"{error}\nusage: make {options.what} SOURCE=mpox")
    conf: dict[str, object] = {name: True for name in ("accept_missing", "accept_emptied") if getattr(options, name)}
    dag_id = f"ncbi_virus_ingest__{source.name}"
    if options.what == "census":
        dag_id, conf = "ncbi_virus_census", {"source": source.name, **conf}
    elif options.what == "replay":
        conf["mode"] = "replay"
    started = datetime.now(UTC)
    run_dags((dag_id, conf), (PUBLISH, accepting(options.accept_findings, source.name)))
    sys.stdout.flush()
    succeeded, told = outcome(data, source.name, started)
    print(f"{'OK' if succeeded else 'FAILED'} {told}")
    sys.exit(0 if succeeded else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["ingest", "census", "replay"])
    parser.add_argument("source", help="a source of sources.yaml")
    parser.add_argument("--accept-missing", action="store_true", help="accept that many records are gone")
    parser.add_argument("--accept-emptied", action="store_true", help="accept that a field is emptied")
    add_accept_findings(parser)
    return parser


def outcome(data: DataFolder, source: str, started: datetime) -> tuple[bool, str]:
    """Whether the source was loaded and published, and what became of it in one line."""
    own = list(states_since(data.runs, source, started))
    if not own:
        return False, f"{source}: the ingest did not start; Airflow's log above says why"
    state = max(own, key=lambda state: str(state["started_at"]))
    if state["status"] != "success":
        error = " ".join(str(state["error"] or "the process ended early").split())
        return False, f"{source}: {error} (run {state['run_id']})"
    told, found = f"{state['summary']} (run {state['run_id']})", findings(data)
    if is_published(data, str(state["run_id"])):
        return True, " ".join([told, *found])
    about = published_about(data)
    if about and source in about.held_back:
        what = "loaded but held back, and shown as it was published before."
    else:
        what = "loaded but not published; the last good snapshot stays."
    return False, " ".join([f"{source}: {what}", *found, told])


if __name__ == "__main__":
    main()
