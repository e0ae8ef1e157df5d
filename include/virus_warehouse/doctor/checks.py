"""The checks, in the order in which they are made: what others depend on comes first."""

from collections.abc import Callable
from dataclasses import dataclass

from virus_warehouse.doctor.bucket import check_bucket
from virus_warehouse.doctor.clock import check_clock
from virus_warehouse.doctor.connections import check_connections
from virus_warehouse.doctor.disk import check_disk
from virus_warehouse.doctor.finding import Finding
from virus_warehouse.doctor.folder import check_folder
from virus_warehouse.doctor.found_leftovers import check_leftovers
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.lake import check_lake
from virus_warehouse.doctor.lock import check_lock
from virus_warehouse.doctor.log import check_log
from virus_warehouse.doctor.ncbi_package import check_ncbi
from virus_warehouse.doctor.packages import check_packages
from virus_warehouse.doctor.python import check_python
from virus_warehouse.doctor.read_settings import check_settings
from virus_warehouse.doctor.scheduler import check_scheduler
from virus_warehouse.doctor.schema_revision import check_schema
from virus_warehouse.doctor.shared_pace import check_pace
from virus_warehouse.doctor.snapshot_age import check_snapshot
from virus_warehouse.doctor.sources_file import check_sources


@dataclass(frozen=True)
class Check:
    """A check.

    Attributes:
        name: one word.
        look: makes it, and changes nothing, but that its requests to NCBI are counted; it may raise anything.
        needs_network: whether it is skipped offline.
    """

    name: str
    look: Callable[[Installation], Finding]
    needs_network: bool = False


CHECKS = (
    Check("python", check_python),
    Check("packages", check_packages),
    Check("settings", check_settings),
    Check("folder", check_folder),
    Check("disk", check_disk),
    Check("sources", check_sources),
    Check("connections", check_connections),
    Check("clock", check_clock, needs_network=True),
    Check("ncbi", check_ncbi, needs_network=True),
    Check("pace", check_pace, needs_network=True),
    Check("schema", check_schema),
    Check("lake", check_lake, needs_network=True),
    Check("bucket", check_bucket, needs_network=True),
    Check("lock", check_lock),
    Check("log", check_log),
    Check("leftovers", check_leftovers),
    Check("snapshot", check_snapshot),
    Check("scheduler", check_scheduler, needs_network=True),
)
