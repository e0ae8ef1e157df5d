"""Whether this version can work with the schema of the warehouse."""

from virus_warehouse.doctor.finding import Finding, failure, ok, skipped, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.run_file import running_states
from virus_warehouse.warehouse.connection import Warehouse, WarehouseDamaged, WarehouseLocked
from virus_warehouse.warehouse.incomplete_copy import IncompleteCopy
from virus_warehouse.warehouse.lock_holder import LockUnknown, lock_holder
from virus_warehouse.warehouse.migrate import (
    SchemaTooNew,
    SchemaTooOld,
    newest_revision,
    refuse_unknown_revision,
)


def check_schema(installation: Installation) -> Finding:
    """Whether the warehouse has this version's schema revision, or one that can be migrated.

    The file is read only while nobody works with it: a load would have to wait for a reader.
    """
    path = installation.warehouse
    if not path.exists():
        return ok(f"{path} does not exist yet; the first run creates it with revision {newest_revision()}.")
    if (busy := _busy(installation)) is not None:
        return skipped(f"{path} is not opened: {busy}.", "Run the command again when it has ended.")
    try:
        revision = Warehouse(path, lock_timeout=0).read_revision()
        refuse_unknown_revision(revision, path)
    except WarehouseLocked:
        return skipped(f"{path} is in use.", "See the check 'lock'.")
    except WarehouseDamaged as error:
        return failure(str(error), "Rebuild the warehouse from the archived packages.", error.exit_code)
    except IncompleteCopy as error:
        return failure(str(error), "Complete the copy, or name another warehouse.", error.exit_code)
    except SchemaTooNew as error:
        return failure(str(error), "Use the version that wrote it, or a newer one.", error.exit_code)
    except SchemaTooOld as error:
        return failure(str(error), "Rebuild the warehouse from the archived packages.", error.exit_code)
    if revision is None:
        return warning(
            f"{path} is a DuckDB file without this project's schema, which the next run would create in it.",
            "Name another file in VIRUS_WAREHOUSE, unless this is the file that the warehouse should be in.",
        )
    if revision != newest_revision():
        return warning(
            f"{path} has schema revision {revision}; this version works with {newest_revision()}.",
            "The next run migrates it; copy the file first if you may want to go back to the earlier version.",
        )
    return ok(f"{path} has schema revision {revision}, as this version.")


def _busy(installation: Installation) -> str | None:
    """What works with the warehouse now; None if nothing does."""
    running = next(running_states(installation.data.runs), None)
    if running is not None:
        return f"run {running.get('run_id')} is working"
    try:
        return None if lock_holder(installation.warehouse) is None else "another process has it open"
    except LockUnknown:
        return None
