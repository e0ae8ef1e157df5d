"""People who get alerts: a mail server and a web server that keep what they are sent."""

import email
import email.policy
import json
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.local_server import LocalServer, Quiet
from tests.support.ports import free_port


class MailServer:
    """A mail server. Used as a context manager.

    Attributes:
        mails: what it was sent.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    @property
    def connection(self) -> str:
        """Airflow's connection to it, for the environment."""
        return json.dumps(self.in_airflow)

    @property
    def in_airflow(self) -> dict[str, Any]:
        """Airflow's connection to it, for the REST API."""
        extra = {"from_email": "warehouse@example.org", "disable_ssl": True, "disable_tls": True}
        return {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": self._controller.port,
            "extra": json.dumps(extra),
        }

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail; the library calls this."""
        mail = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


class _Hook(Quiet, BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        webhook = self.server.site
        if webhook.status == 200:
            webhook.messages.append(json.loads(body))
        self.send_response(webhook.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


class Webhook(LocalServer):
    """A web server that is sent messages as JSON. Used as a context manager.

    Attributes:
        messages: what it was sent.
        status: of its answers.
    """

    handler = _Hook

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        self.status = 200
