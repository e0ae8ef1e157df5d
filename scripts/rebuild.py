"""`make rebuild`: the warehouse anew from the archived packages, and what came of it."""

import argparse
import sys

from connected_warehouse import connected_warehouse

from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.rebuild import RebuildError, rebuild


def main() -> None:
    """Rebuild; the exit code is 0 when nothing is lacking."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replace", action="store_true", help="put the new file in the place of the old one")
    parser.add_argument("--from-oldest", action="store_true", help="go back as far as the archive does")
    options = parser.parse_args()
    try:
        data = DataFolder.from_environment()
        warehouse = connected_warehouse(data)
        rebuilt = rebuild(data, replace=options.replace, from_oldest=options.from_oldest, warehouse=warehouse)
    except (RebuildError, DataFolderError) as error:
        sys.exit(str(error))
    for difference in rebuilt.differences:
        print(f"This version reads it otherwise: {difference}")
    for gap in rebuilt.gaps:
        print(f"LACKING {gap}")
    print(f"{len(rebuilt.loads)} loads repeated.")
    if rebuilt.replaced:
        print(f"The rebuilt warehouse is in place; the old one is {rebuilt.replaced}.")
    elif not options.replace:
        print(f"The rebuilt warehouse is {rebuilt.path}; the old one is untouched. REPLACE=1 puts it in its place.")
    sys.exit(1 if rebuilt.gaps else 0)


if __name__ == "__main__":
    main()
