"""What people do with a warehouse in Airflow, whatever executes its tasks and wherever its data are kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Protocol

import duckdb
from playwright.sync_api import expect

from ncbi_virus.operators.ask_for_approval import AskForApprovalOperator
from scripts import chromium
from scripts.pictures import log_in
from tests.support.airflow_services import AirflowServices
from tests.support.people import MailServer
from tests.support.stage import HOUR, SLOW
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.about import read_about

DAY = timedelta(days=1)
ALERTS, APPROVE = "ncbi_virus_alerts", "ncbi_virus_approve"

QUESTION = """\
-- question: Genomes of monkeypox virus
-- key: accession
-- inform: team
SELECT accession, accession_version, isolate_name FROM virus_genome WHERE source = 'mpox';
"""


class Breakable(Protocol):
    """The stand-in for NCBI, in this process or another."""

    def fault(self, kind: str, times: int = 1, **details: Any) -> None:
        """Let the next downloads fail."""

    def clear_faults(self) -> None:
        """Let no further download fail."""


class Life:
    """Airflow with the sources `mpox`, which a saved question asks about, `dengue` and `flu`, and people with mail.

    Attributes:
        airflow: Airflow.
        ncbi: the stand-in for NCBI.
        mail: the mail server.
        data: the data folder, as it is now.
    """

    airflow: AirflowServices
    ncbi: Breakable
    mail: MailServer
    data: DataFolder

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Query the snapshot."""
        with duckdb.connect(self.data.snapshot, read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def run(self, source: str, **conf: str) -> str:
        """Trigger a source's DAG; returns the id of the DAG run."""
        return self.airflow.trigger(dag_of(source), conf)

    def published(self, source: str, dag_run_id: str) -> None:
        """Wait until a DAG run has succeeded, and the snapshot has what it loaded."""
        assert self.airflow.finished(dag_of(source), dag_run_id)["state"] == "success"
        loaded = "FROM ops.ingest_run WHERE dag_run_id = ? AND source = ? AND status = 'success'"
        self.airflow.wait_until(
            f"{dag_run_id} of {source} is published",
            lambda: self.data.snapshot.exists() and self.rows(loaded, dag_run_id, source),
        )

    def inform(self) -> None:
        """Let people be informed now, and not only in the next ten minutes."""
        assert self.airflow.finished(ALERTS, self.airflow.trigger(ALERTS))["state"] == "success"

    def mails(self, to: str, *texts: str) -> list[EmailMessage]:
        """The mails to somebody with all of these texts, in subject or content."""
        of_them = [mail for mail in self.mail.mails if mail["To"] == f"{to}@example.org"]
        return [mail for mail in of_them if all(text in _whole(mail) for text in texts)]

    def backfill(self, first_day: date) -> None:
        """Load two days that were missed, of a source with a saved question, whose answer changes."""
        moment = datetime.combine(first_day, datetime.min.time(), UTC) + timedelta(hours=HOUR)
        runs = self.airflow.backfill(dag_of("mpox"), moment.isoformat(), (moment + DAY).isoformat())
        assert len(runs) == 2
        for run in runs:
            self.published("mpox", run["dag_run_id"])
        [(changes,)] = self.rows("SELECT count(*) FROM mart.saved_question_change")
        assert changes > 0
        self.inform()
        # One of the DAG's own runs may have come between the publications of the two days.
        assert 1 <= (sent := len(self.mails("team", "Genomes of monkeypox virus"))) <= 2
        self.inform()
        assert len(self.mails("team", "Genomes of monkeypox virus")) == sent, "not twice"

    def refuse_a_run(self) -> str:
        """Let NCBI refuse a run, which fails; returns its DAG run's id."""
        self.ncbi.fault("status", status=400)
        refused = self.run("flu")
        assert self.airflow.finished(dag_of("flu"), refused)["state"] == "failed"
        return refused

    def drop_records(self) -> None:
        """Let NCBI drop many records, which a census withdraws and a gate holds back."""
        self.ncbi.fault("fewer_records", fraction=0.7)
        dag_run_id = self.run("flu", mode="census")
        assert self.airflow.finished(dag_of("flu"), dag_run_id)["state"] == "success"
        self.airflow.wait_until("flu is held back", lambda: "flu" in read_about(self.data.snapshot).held_back)
        self.inform()
        assert len(self.mails("team", "flu: held back", "shrinkage")) == 1

    @property
    def records_of_flu(self) -> int:
        """How many are published."""
        [(published,)] = self.rows("SELECT count(*) FROM virus_genome WHERE source = 'flu'")
        return int(published)

    def approve(self) -> None:
        """Answer in the browser that the records that are left are to be published."""
        published = self.records_of_flu
        # In a thread of its own: the browser of other tests keeps an event loop running in this one.
        with ThreadPoolExecutor(1) as own:
            own.submit(self._approve).result()
        assert self.records_of_flu < published
        self.inform()
        assert len(self.mails("team", "Over: flu: held back")) == 1

    def _approve(self) -> None:
        airflow = self.airflow
        asked_about(airflow, "flu")
        with chromium.chromium() as browser, browser.new_context(viewport={"width": 1400, "height": 900}) as opened:
            opened.set_default_timeout(SLOW)
            expect.set_options(timeout=SLOW)
            page = opened.new_page()
            log_in(page, airflow.url, airflow.login, airflow.password)
            page.goto(f"{airflow.url}/required_actions")
            page.get_by_role("link", name="Publish flu despite shrinkage?").click()
            page.get_by_role("button", name=AskForApprovalOperator.PUBLISH).click()
            airflow.wait_until("flu is published", lambda: "flu" not in read_about(self.data.snapshot).held_back)


def asked_about(airflow: AirflowServices, source: str, other_than: str = "") -> tuple[str, str]:
    """Wait until people are asked about a source; returns the DAG run and the text that a person reads.

    Also until the scheduler has seen that the task waits: in the second before, Airflow 3.3.2 can lose an answer.

    Args:
        airflow: Airflow.
        source: the source.
        other_than: a DAG run that has asked before.
    """

    def asked() -> tuple[str, str] | None:
        found = airflow.get("/dags/~/dagRuns/~/hitlDetails", dag_id_pattern=APPROVE, response_received=False)
        log = airflow.service_logs()["scheduler"]
        for detail in found["hitl_details"]:
            task = detail["task_instance"]
            run = str(task["dag_run_id"])
            seen = f"TaskInstance Finished: dag_id={APPROVE}, task_id={task['task_id']}, run_id={run},"
            is_asked = task["state"] == "awaiting_input" and run.startswith(f"approve__{source}__")
            if is_asked and run != other_than and seen in log:
                return run, str(detail["body"])
        return None

    answer = airflow.wait_until(f"{source} is asked about", asked)
    assert answer is not None
    return answer


def dag_of(source: str) -> str:
    """The id of a source's DAG."""
    return f"ncbi_virus_ingest__{source}"


def _whole(mail: EmailMessage) -> str:
    return "\n".join([mail["Subject"], *(part.get_content() for part in mail.iter_parts())])
