"""Kernel limits for a process."""

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES = 1, 38
# System calls, flags and rights of linux/landlock.h.
_LANDLOCK_CREATE, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION_FLAG, _LANDLOCK_PATH_RULE = 1, 1
_READ_FILE = 1 << 2
_IDENTIFY_ONLY = getattr(os, "O_PATH", 0)
# How many accesses to files each version knows: 13, then REFER, TRUNCATE, none, IOCTL_DEV.
_FILE_ACCESSES = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
# Binding and connecting over TCP; abstract Unix sockets and signals of processes outside.
_NETWORK_SINCE, _NETWORK = 4, 0b11
_SCOPE_SINCE, _SCOPE = 6, 0b11
_FIRST_TO_BE_KILLED = "1000"


def limit_resources(cpu_seconds: int, address_space_bytes: int) -> None:
    """Limit this process: processor time, address space, open files, no core dump, and no writes to files.

    It also gets the lowest scheduling priority, and is the first to be killed when memory runs out (where `/proc`
    exists and allows it).

    Args:
        cpu_seconds: after which the kernel kills it.
        address_space_bytes: beyond which an allocation fails.
    """
    os.nice(10)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_BE_KILLED, encoding="ascii")
    for what, most in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, address_space_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(what, (most, most))


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when the thread that started it ends (Linux; others rely on the limits).

    Args:
        parent: process id of the one that started it.

    Raises:
        SystemExit: when the parent has ended already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def landlock_version() -> int:
    """The version of Landlock in this kernel; 0 where it is missing or disabled."""
    if sys.platform != "linux":
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION_FLAG)))


def allow_reading_only(descriptor: int, folder: Path | None = None) -> bool:
    """Deny this thread, and all threads started by it, the network and all files but these, which are read-only.

    Uses Landlock (Linux 5.13 or later; the network, TCP only, since 6.7), which needs no privileges. Open files and
    pipes stay open. There must be no other thread yet, as it would not be restricted.

    Args:
        descriptor: of a file that may be opened again for reading.
        folder: whose files may be read, but not listed; None for none.

    Returns:
        Whether it was done: False where the kernel has no Landlock or has it disabled.

    Raises:
        OSError: when the kernel has Landlock, but the call fails.
        RuntimeError: when there are other threads.
    """
    version = landlock_version()
    if not version:
        return False
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("another thread is running, which Landlock would not restrict")
    libc = ctypes.CDLL(None, use_errno=True)
    files = (1 << _FILE_ACCESSES[min(version, max(_FILE_ACCESSES))]) - 1
    handled = [
        files,
        *([_NETWORK] if version >= _NETWORK_SINCE else []),
        *([_SCOPE] if version >= _SCOPE_SINCE else []),
    ]
    attributes = struct.pack(f"={len(handled)}Q", *handled)
    ruleset = libc.syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0)
    if (
        ruleset < 0
        or not all(_add_rule(libc, ruleset, readable) for readable in _opened(descriptor, folder))
        or libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        or libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0)
    ):
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    os.close(ruleset)
    return True


def _opened(descriptor: int, folder: Path | None) -> Iterator[int]:
    """The descriptors of a file and, for as long as it is needed, of a folder."""
    yield descriptor
    if folder is not None:
        opened = os.open(folder, _IDENTIFY_ONLY | os.O_DIRECTORY)
        yield opened
        os.close(opened)


def _add_rule(libc: ctypes.CDLL, ruleset: int, descriptor: int) -> bool:
    rule = struct.pack("=Qi", _READ_FILE, descriptor)
    return not libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_PATH_RULE, rule, 0)
