"""JSON as NCBI's service writes it: compact, sorted, without default values (contract notes, section 4)."""

import json
from collections.abc import Mapping

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def without_defaults(fields: Mapping[str, object]) -> dict[str, object]:
    """Leave out what protobuf JSON leaves out: nulls, false, 0, empty text, lists and messages."""
    return {name: value for name, value in fields.items() if value}
