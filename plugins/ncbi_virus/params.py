"""Fields of the trigger forms that more than one DAG has, and the operator's argument `accept` that they fill."""

from airflow.sdk import Param

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

ACCEPT = [f"{{{{ '{name.removeprefix('accept_')}' if params.{name} }}}}" for name in ACCEPT_PARAMS]
