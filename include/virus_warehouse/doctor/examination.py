"""Making the checks, one after another: none hides another."""

from collections.abc import Iterable, Iterator

from virus_warehouse.doctor.checks import CHECKS, Check
from virus_warehouse.doctor.finding import Finding, failure, skipped
from virus_warehouse.doctor.installation import InLake, Installation, NotExaminable
from virus_warehouse.failure import Failure


def examine(installation: Installation, checks: Iterable[Check] = CHECKS) -> Iterator[tuple[str, Finding]]:
    """Make the checks and yield each one's name and finding as soon as it is there. Raises nothing.

    Args:
        installation: what is examined.
        checks: the checks.
    """
    for check in checks:
        yield check.name, _finding(check, installation)


def _finding(check: Check, installation: Installation) -> Finding:
    if check.needs_network and installation.offline:
        return skipped("It needs the network.", "Leave out --offline.")
    try:
        return check.look(installation)
    except NotExaminable as reason:
        return skipped(str(reason), f"First fix what the check {reason.other!r} says.")
    except InLake:
        return skipped("The warehouse is a lake, not a file.", "See the check 'lake'.")
    except Failure as error:
        return failure(str(error), "Fix this first: commands and tasks fail for the same reason.", error.exit_code)
    except PermissionError as error:
        return failure(f"{error.filename}: {error.strerror}.", "Run the command as the user that runs the loads.")
    except Exception as error:
        # A bug of the check, or a state of the machine that it did not expect: the other checks still matter.
        return failure(
            f"The check itself failed with {type(error).__name__}: {' '.join(str(error).split())}",
            "Report this line as a bug of virus-warehouse; the other checks do not depend on it.",
        )
