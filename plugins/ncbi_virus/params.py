"""Fields of the trigger forms that more than one DAG has, and the operator's arguments that they fill."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from virus_warehouse.publish.gates import BLOCKING

ACCEPT_PARAMS = {
    "accept_missing": Param(
        False,
        type="boolean",
        title="Accept missing records",
        description="Load a full package knowingly that lacks more of the records held than the source allows.",
    ),
    "accept_emptied": Param(
        False,
        type="boolean",
        title="Accept emptied fields",
        description="Load a full package knowingly that empties a field of more records than the source allows.",
    ),
}

CHECK_PARAMS = {
    "accept_findings": Param(
        [],
        type=["null", "array"],
        items={"type": "string", "enum": list(BLOCKING)},
        examples=list(BLOCKING),
        title="Accept findings",
        description="Publish a snapshot knowingly that these gates would keep back. For this run only; the snapshot's "
        "_about tells it.",
    ),
}

ACCEPT = {name: f"{{{{ params.{name} }}}}" for name in ACCEPT_PARAMS}


def accepted_findings(params: Mapping[str, Any]) -> set[str]:
    """The gates whose findings the form accepts. Of a field loaded knowingly as empty nobody is asked again."""
    return {*(params["accept_findings"] or ()), *(["emptied_fields"] if params["accept_emptied"] else [])}
