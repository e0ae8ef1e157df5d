"""Atomic writes: files are written beside their destination, then renamed into place.

In a data folder that is in a bucket, they are also sent there.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from virus_warehouse.bucket.copy import send


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write `content` as JSON to `path`, atomically and durably: a reader sees the old file or the new one.

    Dates and times are written as ISO 8601 text.
    """
    write_text(path, json.dumps(content, indent=1, default=str) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text to `path`, atomically and durably.

    Raises:
        BucketUnavailable: when it cannot be sent to the bucket of the data folder; here it is written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    send(path)


def unfinished_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Temporary files left behind by dead writers, each with the name, without `.json`, of its target."""
    for beside in folder.glob(".*.json.*"):
        yield beside, beside.name[1 : beside.name.index(".json.")]
