"""Files that are whole at every moment: written beside their place, then renamed into it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write `content` as JSON to `path`; a reader sees the old file or the new one, never a part.

    Dates and times are written as ISO 8601 text.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
    beside.replace(path)
