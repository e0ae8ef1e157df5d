"""`make tables`: generates docs/tables.md, the data dictionary, from the comments of an empty snapshot."""

import tempfile
from pathlib import Path

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.dictionary import data_dictionary
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.connection import Warehouse

TABLES = Path(__file__).resolve().parents[1] / "docs" / "tables.md"


def dictionary() -> str:
    """The dictionary of this version's snapshots."""
    with tempfile.TemporaryDirectory() as folder:
        data = DataFolder(Path(folder))
        data.create()
        migrate.upgrade(data.root / "warehouse.duckdb")
        warehouse = Warehouse(data.root / "warehouse.duckdb")
        return data_dictionary(prepare_candidate(warehouse, data, "tables", SourcesFile(Path("sources.yaml"))))


if __name__ == "__main__":
    TABLES.write_text(dictionary(), encoding="utf-8")
    print(f"written: {TABLES}")
