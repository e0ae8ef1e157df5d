"""Whether a write-ahead log was left beside the warehouse."""

from virus_warehouse.database_file import log_of
from virus_warehouse.doctor.finding import Finding, failure, ok, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.warehouse.lock_holder import LockUnknown, lock_holder


def check_log(installation: Installation) -> Finding:
    """Whether all committed data are in the file itself, as they are once it has been closed."""
    warehouse = installation.warehouse
    log = log_of(warehouse)
    try:
        size = log.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return ok(f"There is no write-ahead log beside {warehouse}.")
    if not warehouse.exists():
        return failure(
            f"{log} is there without its file {warehouse}, and DuckDB would replay it into a new one.",
            "Put the file back beside it, or move the log away before the next run.",
        )
    try:
        if lock_holder(warehouse) is not None:
            return ok(f"{log} has {size:,} bytes; it belongs to the process that has the file open.")
    except LockUnknown:
        pass  # then it may be in use
    if not log.exists():  # it was in use until now
        return ok(f"There is no write-ahead log beside {warehouse}.")
    return warning(
        f"{log} has {size:,} bytes although nobody has the file open: a process was killed, or the disk was full.",
        "Keep the two files together, and move neither: the next run completes the file from its log.",
    )
