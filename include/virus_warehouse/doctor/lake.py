"""Whether the lake that has the warehouse can be used, and safely."""

from virus_warehouse.doctor.finding import Finding, failure, ok, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.failure import Failure
from virus_warehouse.warehouse.connection import WarehouseLocked, warehouse_of
from virus_warehouse.warehouse.migrate import newest_revision, refuse_unknown_revision


def check_lake(installation: Installation) -> Finding:
    """Whether catalog and files can be reached, the guards are in place, and this version knows the schema.

    Nothing is written, and no writer waits for it.
    """
    warehouse = warehouse_of(installation.data, lock_timeout=0)
    if warehouse.storage.file is not None:
        return ok("The warehouse is a file.")
    place = warehouse.location
    try:
        if not warehouse.storage.exists():
            return ok(f"{place} does not exist yet; the first run creates it.")
        revision = warehouse.read_revision()
        refuse_unknown_revision(revision, place)
    except WarehouseLocked as error:
        return warning(f"{error}.", "Run the command again in a moment.")
    except Failure as error:
        return failure(str(error), "Fix this first: loads and publications fail for the same reason.", error.exit_code)
    if revision != newest_revision():
        return warning(
            f"{place} has schema revision {revision}; this version works with {newest_revision()}.",
            "The next run migrates it; make a back-up first if you may want to go back to the earlier version.",
        )
    return ok(f"{place} can be read, has its guards, and schema revision {revision}, as this version.")
