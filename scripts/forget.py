"""`make forget SOURCE=mpox`: remove a source that is no longer followed, with all that is held of it; asks first."""

import argparse
import sys

import duckdb
from connected_warehouse import connected_warehouse

from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.forget import ForgetError, Holdings, forget, holdings
from virus_warehouse.sources import SourceError, read_sources
from virus_warehouse.warehouse.connection import WarehouseLocked


def main() -> None:
    """Say what goes, ask, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="name of the source")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    try:
        followed = read_sources()
        data = DataFolder.from_environment()
        warehouse = connected_warehouse(data)
        held = holdings(options.source, warehouse, data)
        print(told(options.source, held))
        if not options.yes and input("Type its name to remove all of it, for good: ").strip() != options.source:
            sys.exit("Nothing was removed.")
        forget(options.source, warehouse, data, followed)
    except EOFError:
        sys.exit("Nothing was removed: nobody answered. YES=1 answers for you.")
    except (DataFolderError, ForgetError, SourceError, WarehouseLocked, duckdb.Error) as error:
        sys.exit(str(error))
    print(f"{options.source} is forgotten. The published snapshot shows it until the next publication.")


def told(source: str, held: Holdings) -> str:
    """What would go, for a person to decide."""
    rows = "".join(f"\n  {count:>12,} rows of {table}" for table, count in held.rows.items())
    return (
        f"Of {source} there are{rows}\n  {held.packages:>12,} packages with {held.package_bytes / 1e6:,.1f} MB in the "
        f"archive\n  {held.files:>12,} run files and refused packages"
    )


if __name__ == "__main__":
    main()
