"""What the trigger form accepts of findings, and what follows from it."""

import pytest
from airflow.sdk.exceptions import ParamValidationError

from ncbi_virus.params import CHECK_PARAMS, accepted_findings

FIELD = CHECK_PARAMS["accept_findings"]


@pytest.mark.parametrize("given", [None, [], ["shrinkage"], ["shrinkage", "dates_in_range"]])
def test_gates_that_block_can_be_accepted(given):
    assert FIELD.resolve(given) == given
    assert accepted_findings({"accept_findings": given, "accept_emptied": False}) == set(given or [])


@pytest.mark.parametrize("given", [["everything"], ["freshness"], "shrinkage", True])
def test_other_names_are_refused_before_the_run_begins(given):
    with pytest.raises(ParamValidationError):
        FIELD.resolve(given)


def test_field_loaded_knowingly_as_empty_is_published_so():
    assert accepted_findings({"accept_findings": ["history"], "accept_emptied": True}) == {"history", "emptied_fields"}
