"""The alerts DAG, run by Airflow, with its notifiers, a real mail server and a real webhook."""

import json

import pytest

from ncbi_virus.deadlines import begin_late_alert
from tests.support.airflow_runs import run_dag
from tests.support.people import MailServer, Webhook
from virus_warehouse.alerts.journal import read_journal

ALERTS = """
alerts:
  failed_after_minutes: 0
  disk_free: 1MB
  channels:
    team: {mail: {to: [one@example.org, two@example.org]}}
    chat: {slack: {}}
    pager: {apprise: {tag: pager}}
"""


@pytest.fixture
def mail(monkeypatch):
    with MailServer() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", server.connection)
        yield server


@pytest.fixture
def slack(monkeypatch):
    with Webhook() as server:
        slack = {"conn_type": "slackwebhook", "host": f"http://{server.address}/services", "password": "T/B/X"}
        monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", json.dumps(slack))
        yield server


@pytest.fixture
def pager(monkeypatch):
    with Webhook() as server:
        services = [
            {"path": f"json://{server.address}/", "tag": "pager"},
            {"path": "json://127.0.0.1:1/", "tag": "nobody"},
        ]
        apprise = {"conn_type": "apprise", "extra": {"config": services}}
        monkeypatch.setenv("AIRFLOW_CONN_APPRISE_DEFAULT", json.dumps(apprise))
        yield server


@pytest.fixture
def followed(follow):
    follow("{mpox: {taxon: 10244}, mistyped: {taxon: Monkeypocks}}" + ALERTS)


def html(mail) -> str:
    [part] = mail.iter_parts()
    return part.get_content()


def test_people_are_informed_through_every_channel(stand_in, followed, data, mail, slack, pager, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/here")
    assert run_dag("ncbi_virus_ingest__mistyped").state == "failed"
    assert run_dag("ncbi_virus_alerts").state == "success"
    [sent] = mail.mails
    assert sent["Subject"] == "Virus warehouse: mistyped: failed"
    assert sent["To"] == "one@example.org, two@example.org"
    assert "Monkeypocks" in html(sent)
    assert "https://airflow.example.org/here/virus-warehouse/" in html(sent)
    [to_slack] = slack.messages
    assert to_slack["text"].startswith("*Virus warehouse: mistyped: failed*\nmistyped: failed\n")
    [paged] = pager.messages
    assert paged["title"] == "Virus warehouse: mistyped: failed"
    assert "Monkeypocks" in paged["message"]
    assert run_dag("ncbi_virus_alerts").state == "success"
    assert (len(mail.mails), len(slack.messages), len(pager.messages)) == (1, 1, 1)


def test_a_service_that_refuses_fails_the_run_and_is_informed_by_the_next(stand_in, followed, data, mail, slack, pager):
    assert run_dag("ncbi_virus_ingest__mistyped").state == "failed"
    pager.status = slack.status = 500
    assert run_dag("ncbi_virus_alerts").state == "failed"
    assert (len(mail.mails), len(slack.messages), len(pager.messages)) == (1, 0, 0)
    [alert] = read_journal(data).alerts
    assert alert.begin_unsent_to == ["chat", "pager"]
    pager.status = slack.status = 200
    assert run_dag("ncbi_virus_alerts").state == "success"
    assert (len(mail.mails), len(slack.messages), len(pager.messages)) == (1, 1, 1)


def test_a_test_message_reaches_every_channel(stand_in, followed, data, mail, slack, pager):
    assert run_dag("ncbi_virus_alerts", conf={"test": True}).state == "success"
    assert mail.mails[0]["Subject"] == pager.messages[0]["title"] == "Virus warehouse: test"
    assert "this channel works" in slack.messages[0]["text"]
    assert read_journal(data).alerts == []


def test_a_late_run_is_informed_by_the_next_alerts(followed, data, mail, slack, pager):
    run = {"dag_run_id": "manual__1", "queued_at": "2026-11-29T06:00:00.123456Z", "state": "running"}
    begin_late_alert("mpox", {"dag_run": run})
    assert mail.mails == [], "Airflow refuses the callback of a deadline its connections"
    assert run_dag("ncbi_virus_alerts").state == "success"
    [sent] = mail.mails
    assert sent["Subject"] == "Virus warehouse: mpox: late"
    assert "The DAG run manual__1, queued at 2026-11-29 06:00 UTC, has not ended." in html(sent)


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_run_that_has_ended_is_not_late(followed, data, state):
    """Airflow calls at the deadline also for a run that has failed."""
    run = {"dag_run_id": "manual__1", "queued_at": "2026-11-29T06:00:00.123456Z", "state": state}
    begin_late_alert("mpox", {"dag_run": run})
    assert read_journal(data).alerts == []
