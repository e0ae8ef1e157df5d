"""`make acknowledge SOURCE=mpox`: its refused lines and unknown names raise no alarm any more; new ones do."""

import argparse
import sys
from datetime import UTC, datetime

import duckdb
from connected_warehouse import connected_warehouse

from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.warehouse.findings import acknowledge


def main() -> None:
    """Acknowledge what is open, and say how much that was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="name of the source")
    source = parser.parse_args().source
    try:
        warehouse = connected_warehouse(DataFolder.from_environment())
    except DataFolderError as error:
        sys.exit(str(error))
    with duckdb.connect() as session, warehouse.transaction(session):
        lines, names = acknowledge(session, source, datetime.now(UTC))
    print(
        f"{source}: acknowledged {lines} refused lines and {names} names that this version does not read. They stay in "
        f"ops.quarantine and ops.schema_drift; the pages show it with the next publication."
    )


if __name__ == "__main__":
    main()
