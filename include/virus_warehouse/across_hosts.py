"""Doing something on one host at a time, where several hosts share a data folder in a bucket."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import Failure
from virus_warehouse.warehouse.lake_address import LakeAddress, lake_address
from virus_warehouse.warehouse.storage import StorageBusy

WAIT_SECONDS = 600.0


class HostBusy(Failure, TimeoutError):
    """Another host has been doing the same for too long; nothing was changed."""


@contextmanager
def one_host_at_a_time(
    data: DataFolder, what: str, *, patience: float = WAIT_SECONDS, with_snapshot: bool = True
) -> Iterator[Callable[[], None]]:
    """Wait for the other hosts that do the same, then take over what they have written. Alone, this does nothing.

    The lock is in the lake's database, and ends with the process that has it. Yields a function that raises `LockLost`
    when its connection has ended, so that another host may be doing the same: to be called where that would do harm.

    Args:
        data: the data folder.
        what: what is done, a name.
        patience: seconds to wait for another host.
        with_snapshot: as in `DataFolder.refresh`.

    Raises:
        HostBusy: when another host stays busy for longer than that.
        CatalogUnavailable: when the lake's database does not respond.
        BucketUnavailable: when the bucket cannot be read.
    """
    if not data.is_copy:
        yield lambda: None
        return
    from virus_warehouse.warehouse.lake_lock import LakeLock  # needs packages that a folder of one host does not

    try:
        lock = LakeLock(_lake(), what, patience=patience)
    except StorageBusy as busy:
        raise HostBusy(f"{what}: another host has been doing the same for {patience:.0f} s: {busy}") from busy
    try:
        data.refresh(with_snapshot=with_snapshot)
        yield lock.verify
    finally:
        lock.release()


def does_a_host(data: DataFolder, what: str) -> bool:
    """Whether some host, this one or another, is doing that at this time. Alone, no.

    Args:
        data: the data folder.
        what: as in `one_host_at_a_time`.

    Raises:
        CatalogUnavailable: when the lake's database does not respond.
    """
    if not data.is_copy:
        return False
    from virus_warehouse.warehouse.lake_lock import is_locked

    return is_locked(_lake(), what)


def _lake() -> LakeAddress:
    return lake_address(os.environ["VIRUS_WAREHOUSE"], "VIRUS_WAREHOUSE")
