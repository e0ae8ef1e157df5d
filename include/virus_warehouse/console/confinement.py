"""What the kernel holds a process to, whatever the program in it does."""

import ctypes
import os
import resource
import signal
import struct
import sys

_SET_PARENT_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES = 1, 38
_LANDLOCK_CREATE, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION_FLAG, _LANDLOCK_PATH_RULE = 1, 1
_READ_FILE = 1 << 2
# How many file accesses each version of Landlock knows (linux/landlock.h): 13, REFER, TRUNCATE, TRUNCATE, IOCTL_DEV.
_FILE_ACCESSES = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK_SINCE, _BIND_AND_CONNECT = 4, 0b11


def limit_resources(cpu_seconds: int, address_space_bytes: int) -> None:
    """Bound this process: processor time, address space, open files, no core dump, and not a byte written to a file.

    Args:
        cpu_seconds: after which the kernel kills it, should nobody else.
        address_space_bytes: beyond which an allocation fails.
    """
    os.nice(10)
    for what, most in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, address_space_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(what, (most, most))


def die_with_parent() -> None:
    """Let the kernel kill this process when the thread that started it ends (Linux; elsewhere the limits must do)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def allow_one_file(descriptor: int) -> bool:
    """Take every file but one, which it may read, and the network from this thread and those it starts from now on.

    By Landlock (Linux 5.13 or later; of the network TCP only, since 6.7), which needs no privileges.

    Args:
        descriptor: of the file that may be opened again for reading.

    Returns:
        Whether it was done: False where the kernel has no Landlock or has it switched off.

    Raises:
        OSError: when the kernel has it, and refuses.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION_FLAG)
    if version < 1:
        return False
    files = (1 << _FILE_ACCESSES[min(version, max(_FILE_ACCESSES))]) - 1
    attributes = struct.pack("=QQ", files, _BIND_AND_CONNECT)[: 16 if version >= _NETWORK_SINCE else 8]
    ruleset = libc.syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0)
    rule = struct.pack("=Qi", _READ_FILE, descriptor)
    if (
        ruleset < 0
        or libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_PATH_RULE, rule, 0)
        or libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        or libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0)
    ):
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    os.close(ruleset)
    return True
