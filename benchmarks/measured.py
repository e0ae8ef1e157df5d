"""Input and output of a benchmark case, which runs in a separate process."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


class Clock:
    """Wall and processor seconds of a `with` block, and the peak memory of the process until its end."""

    def __init__(self) -> None:
        self.wall_seconds = self.cpu_seconds = self.peak_rss_mib = 0.0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Measure the block."""
        wall, cpu = time.perf_counter(), _cpu_seconds()
        yield
        self.wall_seconds = time.perf_counter() - wall
        self.cpu_seconds = _cpu_seconds() - cpu
        self.peak_rss_mib = peak_rss_mib()


@dataclass(frozen=True)
class CaseInput:
    """The input of a case: a scratch folder with its initial files, the package, and the clock that measures it."""

    scratch: Path
    package: Path
    clock: Clock


@dataclass(frozen=True)
class Outcome:
    """The output of a case.

    Attributes:
        rows: number of correct records. The benchmark fails if it differs from the number of input records.
        file: the database that the case created, if any.
        seconds: wall seconds by stage.
        answers: digests of results by query. Cases with the same records must agree.
    """

    rows: int
    file: Path | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


Target = Callable[[CaseInput], Outcome]


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_rss_mib() -> float:
    """The peak memory of this process, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux a process inherits the peak of its parent.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
