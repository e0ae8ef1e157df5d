"""The processes of the console that the tests' own process has started."""

import contextlib

import psutil


def sandboxes() -> list[psutil.Process]:
    """Those that still run."""
    return [child for child in psutil.Process().children() if is_sandbox(child)]


def is_sandbox(process: psutil.Process) -> bool:
    """Whether it runs people's SQL. It does not when it has just ended, or has yet to begin."""
    with contextlib.suppress(psutil.Error):
        return "sandbox.py" in " ".join(process.cmdline())
    return False
