"""`make ingest`, `census` and `replay`, each with SOURCE=mpox: one run and its publication, in Airflow.

The last line and the exit code show the outcome.
"""

import argparse
import sys
from datetime import UTC, datetime

from publish import PUBLISH, accepting, add_accept_findings
from run_dag import run_dags

from virus_warehouse.cli.outcome import outcome_of
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import UsageError
from virus_warehouse.sources import read_sources


def main() -> None:
    """Run the requested DAG, and then the publication."""
    options = _parser().parse_args()
    try:
        source = read_sources().source(options.source)
        data = DataFolder.from_environment()
    except UsageError as error:
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
    outcome = outcome_of(data, source.name, started, {"dag_id": dag_id})
    print(outcome)
    sys.exit(0 if outcome.succeeded else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["ingest", "census", "replay"])
    parser.add_argument("source", help="a source of sources.yaml")
    parser.add_argument("--accept-missing", action="store_true", help="accept that many records are missing")
    parser.add_argument("--accept-emptied", action="store_true", help="accept that a field is emptied")
    add_accept_findings(parser)
    return parser


if __name__ == "__main__":
    main()
