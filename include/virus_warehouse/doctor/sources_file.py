"""Whether the sources file is valid."""

from virus_warehouse.doctor.finding import Finding, failure, ok
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.followed import followed_sources
from virus_warehouse.sources import SourceError, SourcesFile, read_sources
from virus_warehouse.wording import counted

_SHOWN = 3


def check_sources(installation: Installation) -> Finding:
    """Whether the sources file can be read, and each of its sources is valid."""
    try:
        followed = followed_in(installation)
    except SourceError as error:
        return failure(str(error), "Fix the file: until then no source is loaded.", error.exit_code)
    if followed.errors:
        faults = [f"{fault}." for fault in followed.errors.values()]
        more = f" And {len(faults) - _SHOWN} more." if len(faults) > _SHOWN else ""
        return failure(
            f"{counted(len(faults), 'source')} of the sources file cannot be loaded: {' '.join(faults[:_SHOWN])}{more}",
            "Correct the entries; `virus-warehouse sources check` lists what is wrong.",
        )
    if followed.alerts_error:
        return failure(f"{followed.alerts_error}.", "Correct the alerts: until then nobody is informed of anything.")
    names = ", ".join(sorted(followed.sources))
    return ok(f"{followed.path} is valid; {counted(len(followed.sources), 'source')} followed: {names}.")


def followed_in(installation: Installation) -> SourcesFile:
    """The sources that are followed, also where the data folder does not exist yet.

    Raises:
        SourceError: when the sources file cannot be read.
    """
    return followed_sources(installation.data) if installation.data.packages.is_dir() else read_sources()
