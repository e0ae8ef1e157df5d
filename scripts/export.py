"""`make export`: the published snapshot as Parquet or CSV files."""

import argparse
import sys
from pathlib import Path

from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.publish.export import ExportError, Format, export
from virus_warehouse.shortage import DiskFull


def main() -> None:
    """Export, and name the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=list(Format), default=Format.PARQUET)
    parser.add_argument("--folder", type=Path, help="where the files go; export in the data folder by default")
    parser.add_argument("--source", help="only this source")
    options = parser.parse_args()
    try:
        data = DataFolder.from_environment()
        folder = options.folder or data.root / "export"
        files = export(data.snapshot, folder, Format(options.format), options.source)
    except (ExportError, DataFolderError, DiskFull) as error:
        sys.exit(str(error))
    for file in files:
        print(f"{file.stat().st_size:>12,} bytes  {file}")


if __name__ == "__main__":
    main()
