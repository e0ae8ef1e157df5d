"""`make publish`: publishes what was loaded as the snapshot, in Airflow.

SOURCE=mpox ACCEPT_FINDINGS="shrinkage" publishes despite these gates' findings of the source; without SOURCE, of every
source. The last line and the exit code show the outcome.
"""

import argparse
import sys
from collections.abc import Mapping

from run_dag import run_dags

from virus_warehouse.cli.outcome import findings, held_back_in_words
from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.publish.about import published_about
from virus_warehouse.publish.gates import BLOCKING

PUBLISH = "ncbi_virus_publish"


def main() -> None:
    """Run the DAG, and print what is published."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", help="a source of sources.yaml: only its findings are accepted")
    add_accept_findings(parser)
    options = parser.parse_args()
    try:
        data = DataFolder.from_environment()
    except DataFolderError as error:
        sys.exit(str(error))
    exit_code = run_dags((PUBLISH, accepting(options.accept_findings, options.source)))
    sys.stdout.flush()
    about = published_about(data)
    if not exit_code:
        print(f"OK {data.snapshot} is published.")
    elif about and about.held_back:
        held = " ".join(f"{name}: {held_back_in_words(about, name)}" for name in sorted(about.held_back))
        print(f"FAILED {data.snapshot} is published without all sources. {held}")
    else:
        print(" ".join(["FAILED: not published; the last good snapshot stays.", *findings(data)]))
    sys.exit(1 if exit_code else 0)


def add_accept_findings(parser: argparse.ArgumentParser) -> None:
    """Add the option for gates whose findings are accepted."""
    parser.add_argument("--accept-findings", nargs="+", choices=BLOCKING, help="gates whose findings are accepted")


def accepting(gates: list[str] | None, source: str | None) -> Mapping[str, object]:
    """The values for the trigger form of the publication's DAG."""
    return {"source": source, "accept_findings": gates} if gates else {}


if __name__ == "__main__":
    main()
