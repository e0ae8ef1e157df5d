"""`make check-sources`: tells of a sources file what is wrong with it, a line each, or what is followed."""

import sys

from virus_warehouse.sources import SourceError, read_sources


def main() -> int:
    """Check the file that `VIRUS_SOURCES` names; 1 when something is wrong with it."""
    try:
        read = read_sources()
    except SourceError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    for fault in read.errors.values():
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"{read.path}: {len(read.sources)} sources are sound: {', '.join(read.sources) or 'none'}\n")
    return 1 if read.errors else 0


if __name__ == "__main__":
    sys.exit(main())
