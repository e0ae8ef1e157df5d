"""The data tables of this package: `taxa.yaml`, `places.yaml` and `viruses.yaml`."""

from importlib.resources import files
from typing import Any

import yaml


def read_table(name: str) -> dict[Any, Any]:
    """Read one of this package's YAML tables, such as `taxa`."""
    text = files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    table: dict[Any, Any] = yaml.safe_load(text)
    return table
