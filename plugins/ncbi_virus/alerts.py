"""Informing people through Airflow's notifiers and connections."""

from typing import Any

from airflow.configuration import conf
from airflow.sdk import task

from virus_warehouse.alert_settings import Channel
from virus_warehouse.alerts.message import Message, Section
from virus_warehouse.alerts.send import AlertNotSent, send_alerts
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.followed import followed_sources
from virus_warehouse.pages.app import URL_PREFIX


def deliver(channel: Channel, message: Message) -> None:
    """Send a message through a channel, with its Airflow connection.

    Its fields are not rendered as templates: names in NCBI's reports may look like one.

    Raises:
        AirflowNotFoundException: when the connection does not exist.
        AlertNotSent: when Apprise could not reach a service.
    """
    if channel.mail:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        SmtpNotifier(
            to=list(channel.mail.to),
            subject=message.subject,
            html_content=message.html,
            smtp_conn_id=channel.mail.connection,
        ).notify({})
    elif channel.slack:
        from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

        SlackWebhookNotifier(
            slack_webhook_conn_id=channel.slack.connection,
            text=_for_slack(f"*{message.subject}*\n{message.text}"),
            unfurl_links=False,
        ).notify({})  # type: ignore[no-untyped-call]
    elif channel.apprise:
        _apprise(channel.apprise.connection, channel.apprise.tag, message)


def _apprise(connection: str, tag: str, message: Message) -> None:
    import apprise
    from airflow.providers.apprise.hooks.apprise import AppriseHook

    # Not AppriseNotifier: it does not say whether a service was reached.
    hook, services = AppriseHook(connection), apprise.Apprise()
    hook.set_config_from_conn(hook.get_connection(connection), services)
    if not services.notify(body=message.text, title=message.subject, tag=tag):
        raise AlertNotSent(f"Apprise reached not all services of the connection {connection!r} with the tag {tag!r}")


def _for_slack(text: str) -> str:
    """A text without what Slack would take for mentions and links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@task(retries=0)
def send(params: dict[str, Any] | None = None) -> list[str]:
    """Inform people of what has begun and what is over; returns the subjects of the messages.

    Raises:
        SourceError: when the sources file or its alerts are invalid.
        AlertNotSent: when a channel could not be reached; the others have been informed.
    """
    if (params or {}).get("test"):
        return _try_channels()
    data = DataFolder.from_environment()
    sent = send_alerts(data, followed_sources(data), deliver, link=_overview())
    return [message.subject for message in sent]


def _try_channels() -> list[str]:
    followed = followed_sources(DataFolder.from_environment())
    section = Section("test", "This is a test message: this channel works.")
    message = Message("Virus warehouse: test", (section,), _overview())
    for channel in followed.alerts.channels.values() if followed.alerts else ():
        deliver(channel, message)
    return list(followed.alerts.channels) if followed.alerts else []


def _overview() -> str:
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}{URL_PREFIX}/" if base else ""
