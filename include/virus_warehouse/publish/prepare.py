"""Preparing a candidate snapshot: a copy of the warehouse, with everything needed for queries."""

import hashlib
import secrets
from datetime import UTC, datetime
from pathlib import Path

from virus_warehouse.bucket.copy import send
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.about import published_about, write_about
from virus_warehouse.publish.candidate import make_candidate, open_candidate
from virus_warehouse.publish.explain import explain_columns
from virus_warehouse.publish.marts import create_marts
from virus_warehouse.publish.published_files import mend_manifest
from virus_warehouse.publish.saved_questions import create_tables
from virus_warehouse.publish.sequences import publish_parts
from virus_warehouse.publish.shared_records import write_shared_records
from virus_warehouse.publish.source_status import write_source_status
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse


def new_publication_id(started_at: datetime | None = None, name: str | None = None) -> str:
    """An id for a publication; ids sort by start time, in UTC.

    Args:
        started_at: the start time; now by default.
        name: of the publication's trigger: retries with the same name and time get the same id, and so one candidate.
    """
    moment = (started_at or datetime.now(UTC)).astimezone(UTC)
    token = hashlib.sha256(name.encode()).hexdigest()[:6] if name else secrets.token_hex(3)
    return f"{moment:%Y%m%dT%H%M%SZ}-{token}"


def prepare_candidate(warehouse: Warehouse, data: DataFolder, publication_id: str, followed: SourcesFile) -> Path:
    """Make the candidate snapshot of a publication, ready for the gates.

    Args:
        warehouse: the warehouse to copy.
        data: the data folder.
        publication_id: the publication.
        followed: the sources file.

    Raises:
        WarehouseLocked: when the warehouse stays in use for too long.
        SettingError: when `VIRUS_KEEP_SNAPSHOTS` cannot be read.
        DiskFull: when there is no space for the candidate.
    """
    # Before the copy: a later publication may have more than the copy.
    previous = published_about(data)
    mend_manifest(data)  # here, too: the gates may block what follows
    candidate = make_candidate(warehouse, data, publication_id)
    with open_candidate(candidate.path) as connection:
        write_source_status(connection, followed)
        write_shared_records(connection)
        publish_parts(connection, data)
        create_marts(connection)
        create_tables(connection)
        explain_columns(connection)
        previous_id = previous.publication_id if previous else None
        write_about(connection, publication_id, previous_id, candidate.lake_state)
    send(candidate.path)
    return candidate.path
