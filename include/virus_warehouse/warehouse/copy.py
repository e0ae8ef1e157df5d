"""A copy of the warehouse file, made while this process holds its lock."""

import os
import subprocess
import sys
from pathlib import Path

_COPY = """
import errno, os, shutil, sys

UNABLE = errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM

try:
    with open(sys.argv[1], "rb") as warehouse, open(sys.argv[2], "wb") as copy:
        try:
            # Where the file system can share blocks between files, this copies none of them.
            while os.copy_file_range(warehouse.fileno(), copy.fileno(), 1 << 30):
                pass
        except AttributeError:
            pass
        except OSError as error:
            if error.errno not in UNABLE:
                raise
        shutil.copyfileobj(warehouse, copy, 1 << 20)
        if sys.argv[3] == "durable":
            copy.flush()
            os.fsync(copy.fileno())
except OSError as error:
    sys.exit(error.errno)
"""


def copy_warehouse(warehouse: Path, copy: Path, *, durable: bool = True) -> None:
    """Copy the warehouse file. It has to be locked and checkpointed: the copy has nothing of a write-ahead log.

    Args:
        warehouse: the file.
        copy: the path of the copy, which is replaced.
        durable: whether to wait until the copy is on the disk. It takes longer than the copy itself.

    Raises:
        OSError: when the copy cannot be written.
    """
    # In a separate process: closing the file after reading it in this one would drop the POSIX lock that DuckDB holds
    # on it.
    command = [sys.executable, "-I", "-c", _COPY, str(warehouse), str(copy), "durable" if durable else "quick"]
    copied = subprocess.run(command, check=False)
    if copied.returncode > 0:
        raise OSError(copied.returncode, os.strerror(copied.returncode), str(copy))
    copied.check_returncode()
