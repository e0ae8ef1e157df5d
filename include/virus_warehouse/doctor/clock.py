"""Whether this machine's clock is right, compared with NCBI's."""

from datetime import timedelta

from virus_warehouse.doctor.client import asking_client
from virus_warehouse.doctor.finding import Finding, failure, ok, skipped, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.ncbi.errors import DatasetsError

TOLERANCE = timedelta(minutes=2)
"""More than the clocks of machines with NTP ever differ, and than a header takes."""

DAY = timedelta(days=1)
"""NCBI's dates are days: with a clock as wrong as that, runs ask for wrong windows."""


def check_clock(installation: Installation) -> Finding:
    """Whether the clock agrees with the time in NCBI's `Date` header."""
    try:
        with asking_client() as client:
            before = installation.now()
            theirs = client.time()
            after = installation.now()
    except DatasetsError as error:
        return skipped(f"The time is not known: {error}", "See the check 'ncbi'.")
    # The header has whole seconds, and was written at some moment between the two.
    ahead = max(before - theirs - timedelta(seconds=1), timedelta())
    behind = max(theirs - after, timedelta())
    off = max(ahead, behind)
    found = f"The clock is {_in_words(off)} {'ahead of' if ahead > behind else 'behind'} {client.base_url}"
    way_out = "Set the clock, and keep it right with NTP (`timedatectl set-ntp true`)."
    if off >= DAY:
        return failure(f"{found}: runs ask for the updates of wrong days.", way_out)
    if off > TOLERANCE:
        return warning(f"{found}: the times of runs and snapshots are wrong by as much.", way_out)
    return ok(f"The clock agrees with {client.base_url}.")


def _in_words(off: timedelta) -> str:
    minutes = round(off.total_seconds() / 60)
    return f"{minutes} minutes" if off < timedelta(hours=2) else f"{round(minutes / 60)} hours"
