"""A snapshot for a test: what a publication makes of a warehouse, with its marts."""

from pathlib import Path

from tests.support.warehouses import DENGUE, MPOX, Shelf
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.snapshot import publish_candidate
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse


def snapshot_of(shelf: Shelf) -> Path:
    """A snapshot of the warehouse as it is, whose sources are mpox and dengue."""
    data = DataFolder(shelf.folder)
    data.create()
    followed = SourcesFile(Path("sources.yaml"), {source.name: source for source in (MPOX, DENGUE)})
    return prepare_candidate(shelf.warehouse, data, "candidate", followed)


def publish_unchecked(shelf: Shelf) -> DataFolder:
    """Publish the warehouse as it is, whatever a check would say."""
    data = DataFolder(shelf.folder)
    snapshot_of(shelf).replace(data.snapshot)
    return data


def publish(data: DataFolder, run_id: str, followed: SourcesFile, *accepted: str) -> None:
    """What the tasks check and publish do after a run."""
    candidate = prepare_candidate(Warehouse(data.warehouse), data, run_id, followed)
    check_candidate(candidate, followed, data.snapshot, accepted)
    publish_candidate(data, run_id)
