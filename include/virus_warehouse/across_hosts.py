"""Doing something on one host at a time, where several hosts share a data folder in a bucket."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import Failure

WAIT_SECONDS = 600.0


class HostBusy(Failure, TimeoutError):
    """Another host has been doing the same for too long; nothing was changed."""


@contextmanager
def one_host_at_a_time(data: DataFolder, what: str) -> Iterator[None]:
    """Wait for the other hosts that do the same, then take over what they have written. Alone, this does nothing.

    The lock is in the lake's database, and ends with the process that has it.

    Args:
        data: the data folder.
        what: what is done, a name.

    Raises:
        HostBusy: when another host stays busy for `WAIT_SECONDS`.
        CatalogUnavailable: when the lake's database does not respond.
        BucketUnavailable: when the bucket cannot be read.
    """
    if not data.is_copy:
        yield
        return
    with _waited_for(data, what):
        data.refresh()
        yield


def _waited_for(data: DataFolder, what: str) -> AbstractContextManager[object]:
    from virus_warehouse.warehouse.connection import warehouse_of
    from virus_warehouse.warehouse.storage import StorageBusy

    storage, stack = warehouse_of(data).storage, ExitStack()
    waiting = Retrying(
        retry=retry_if_exception_type(StorageBusy),
        wait=wait_random_exponential(multiplier=0.05, max=2.0),
        stop=stop_after_delay(WAIT_SECONDS),
        reraise=True,
    )
    try:
        waiting(lambda: stack.enter_context(storage.hold_run(what)))
    except StorageBusy as busy:
        raise HostBusy(f"{what}: another host has been doing the same for {WAIT_SECONDS:.0f} s: {busy}") from busy
    return stack
