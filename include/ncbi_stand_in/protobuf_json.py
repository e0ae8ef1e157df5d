"""JSON as NCBI's service writes it: compact, sorted, without default values (contract notes, section 4)."""

import json
import re
from collections.abc import Mapping
from typing import Any

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def without_defaults(fields: Mapping[str, object]) -> dict[str, object]:
    """Drop what protobuf JSON omits: nulls, false, 0, and empty texts, lists and messages."""
    return {name: value for name, value in fields.items() if value}


def with_proto_names(value: Any) -> Any:
    """The same JSON with names in snake_case, as in REST responses. Reports in packages have camelCase names."""
    if isinstance(value, dict):
        return {re.sub("[A-Z]", r"_\g<0>", name).lower(): with_proto_names(one) for name, one in value.items()}
    return [with_proto_names(one) for one in value] if isinstance(value, list) else value
