"""Form fields shared by several DAGs, and the operator's argument `accept` filled from them.

Airflow's form marks a field as required, with a red asterisk, unless its type allows null.
"""

from airflow.sdk import Param

from virus_warehouse.warehouse.load_gates import FORM_FIELDS

ACCEPT_PARAMS = {
    "accept_missing": Param(
        False,
        type=["null", "boolean"],
        title=FORM_FIELDS["missing"],
        description="Load even if more records are missing than the source allows.",
    ),
    "accept_emptied": Param(
        False,
        type=["null", "boolean"],
        title=FORM_FIELDS["emptied"],
        description="Load even if more records lose a field than the source allows.",
    ),
}

ACCEPT = [f"{{{{ '{name.removeprefix('accept_')}' if params.{name} }}}}" for name in ACCEPT_PARAMS]
