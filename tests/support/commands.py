"""The commands of the Makefile, as a person types them."""

import os
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def make(*arguments: str, typed: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `make`, with `typed` on its standard input."""
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=CHECKOUT, env=os.environ | environment, input=typed, capture_output=True, text=True, check=False
    )
