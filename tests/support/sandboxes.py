"""The sandbox processes of the console that the test process has started."""

import contextlib

import psutil


def sandboxes() -> list[psutil.Process]:
    """Those that are still running."""
    return [child for child in psutil.Process().children() if is_sandbox(child)]


def is_sandbox(process: psutil.Process) -> bool:
    """Whether it runs a user's SQL. It does not if it has just ended, or has not yet started."""
    with contextlib.suppress(psutil.Error):
        return "sandbox/program.py" in " ".join(process.cmdline())
    return False
