"""Whether the settings of the environment can be used."""

from collections.abc import Callable

from virus_warehouse.doctor.finding import Finding, failure, ok
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish.published_files import days_kept
from virus_warehouse.session import memory_limit, threads_beside
from virus_warehouse.settings import SettingError
from virus_warehouse.warehouse.connection import warehouse_of


def check_settings(installation: Installation) -> Finding:
    """Whether each setting has a value that commands and tasks accept. Connections are another check."""
    readers: tuple[Callable[[], object], ...] = (
        lambda: warehouse_of(installation.data),
        memory_limit,
        lambda: threads_beside(0),
        days_kept,
        lambda: DatasetsClient.from_environment().close(),
    )
    faults = [fault for fault in map(_fault, readers) if fault is not None]
    if faults:
        return failure(
            "; ".join(str(fault) for fault in faults) + ".",
            "Correct or unset the variable: until then, commands and tasks that read it fail at once.",
            max(fault.exit_code for fault in faults),
        )
    return ok("Each setting of the environment can be used.")


def _fault(read: Callable[[], object]) -> SettingError | None:
    try:
        read()
    except SettingError as error:
        return error
    return None
