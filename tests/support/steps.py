"""Following a page of `docs/` to the letter, in a copy of the code."""

import re
from pathlib import Path

from virus_warehouse.warehouse import migrate

STEP = re.compile(
    r"`(?P<path>(?:include|tests)/[^`]+)`(?:,\s+after\s+the\s+line\s+`(?P<line>[^`]+)`)?:\n\n```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def follow(section: str, folder: Path) -> None:
    """Do what the steps of a section say: write a new file, or put lines after another one."""
    steps = [*STEP.finditer(section)]
    assert len(steps) == section.count("```python") + section.count("```sql"), "a step that is not understood"
    for step in steps:
        path, text = folder / step["path"], step["text"]
        if step["line"] is None:
            assert not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("the newest before it", migrate.newest_revision()))
            continue
        content = "\n" + path.read_text()
        assert content.count(f"\n{step['line']}\n") == 1, f"{step['line']} in {step['path']}"
        path.write_text(content.replace(f"\n{step['line']}\n", f"\n{step['line']}\n{text}")[1:])
