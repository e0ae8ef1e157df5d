"""The forms of *Trigger*, in a real browser before a real Airflow."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.stage import Stage
from tests.support.tiers import all_long

pytestmark = pytest.mark.browser

FIRST_FIELDS = {
    "ncbi_virus_census": ("Source", "every source"),
    "ncbi_virus_publish": ("Source", ""),
}


def opened_form(page: Page, title: str, shown: str) -> Locator:
    """The form, opened; its empty fields say what they do.

    Args:
        page: of the DAG.
        title: of the form's first field.
        shown: what that field says while it is empty.
    """
    page.get_by_role("button", name="Trigger").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(title, exact=True)).to_be_visible()
    expect(dialog).to_contain_text(shown)
    lines = dialog.inner_text().splitlines()
    assert not {"null", "None", "*"} & set(lines), lines
    return dialog


@pytest.mark.parametrize("dag_id", all_long(FIRST_FIELDS))
def test_form_demands_nothing_and_names_what_its_empty_fields_do(stage: Stage, dag_id: str) -> None:
    with stage.logged_in(f"/dags/{dag_id}") as page:
        opened_form(page, *FIRST_FIELDS[dag_id])


def test_form_of_a_source_demands_nothing_and_its_run_gets_the_answers(stage: Stage) -> None:
    dag_id = f"ncbi_virus_ingest__{stage.own_source()}"
    with stage.logged_in(f"/dags/{dag_id}") as page:
        dialog = opened_form(page, "Mode", "window when days are given, else incremental")
        dialog.get_by_role("combobox").last.click()
        page.get_by_role("option", name="full", exact=True).click()
        dialog.get_by_text("Accept missing records", exact=True).click()
        # The run stays queued: what it was given is all that is asked here.
        unpause = f"Unpause {dag_id} on trigger"
        dialog.get_by_text(unpause, exact=True).click()
        expect(dialog.get_by_role("checkbox", name=unpause)).not_to_be_checked()
        dialog.get_by_role("button", name="Trigger", exact=True).click()
        expect(dialog).to_be_hidden()

    def triggered() -> dict[str, object] | None:
        return next((run["conf"] for run in stage.airflow.runs(dag_id) if run["run_type"] == "manual"), None)

    conf = stage.airflow.wait_until("the run is there", triggered)
    assert conf is not None
    assert (conf["mode"], conf["accept_missing"]) == ("full", True)
    assert not conf["accept_emptied"]
