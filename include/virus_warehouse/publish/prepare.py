"""From the warehouse to a candidate snapshot: a copy, with all that people need to query it and nothing beside it."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.about import read_about, write_about
from virus_warehouse.publish.candidate import make_candidate, open_candidate
from virus_warehouse.publish.explain import explain_columns
from virus_warehouse.publish.marts import create_marts
from virus_warehouse.publish.source_status import write_source_status
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse


def new_publication_id() -> str:
    """An id for a publication: it sorts by the moment, in UTC, at which the publication started."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def prepare_candidate(warehouse: Warehouse, data: DataFolder, publication_id: str, followed: SourcesFile) -> Path:
    """Make the candidate snapshot of a publication, ready for the gates.

    Args:
        warehouse: what is copied.
        data: where the candidate is kept.
        publication_id: names the candidate.
        followed: the sources file.

    Raises:
        WarehouseLocked: when others use the warehouse for too long.
        DiskFull: when there is no space for the candidate.
    """
    # Before the copy: what is published after it may hold more than the copy.
    previous_id = read_about(data.snapshot).publication_id if data.snapshot.exists() else None
    candidate = make_candidate(warehouse, data, publication_id)
    with open_candidate(candidate) as connection:
        write_source_status(connection, followed)
        create_marts(connection)
        explain_columns(connection)
        write_about(connection, publication_id, previous_id)
    return candidate
