"""Doing something on one host at a time, where several hosts share a data folder in a bucket."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import Failure
from virus_warehouse.warehouse.lake_address import lake_address
from virus_warehouse.warehouse.storage import StorageBusy

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
    from virus_warehouse.warehouse.lake_lock import LakeLock  # needs packages that a folder of one host does not

    address = lake_address(os.environ["VIRUS_WAREHOUSE"], "VIRUS_WAREHOUSE")
    try:
        lock = LakeLock(address, what, patience=WAIT_SECONDS)
    except StorageBusy as busy:
        raise HostBusy(f"{what}: another host has been doing the same for {WAIT_SECONDS:.0f} s: {busy}") from busy
    try:
        data.refresh()
        yield
    finally:
        lock.release()
