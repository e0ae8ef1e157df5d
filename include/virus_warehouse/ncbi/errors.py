"""Errors of downloads and packages."""

import html
import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from virus_warehouse.failure import Failure, PermanentFailure

_LONGEST_MESSAGE = 400


@dataclass(frozen=True)
class ErrorBody:
    """The message of an error response.

    Attributes:
        message: NCBI's own text on one line, shortened; "" when the answer had none.
        is_json: whether it comes from the API gateway itself. A web server or proxy in front of it responds in
            HTML or plain text.
    """

    message: str
    is_json: bool

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Parse any error body. Never raises.

        NCBI documents `rpcStatus`, its gateway sends `{"error", "code", "message"}` (NCBI issue #347), and the
        servers in front of it send HTML, plain text or nothing.
        """
        text = body.decode("utf-8", errors="replace")
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            return cls(_one_line(_without_markup(text)), is_json=False)
        message = answer
        if isinstance(answer, dict):
            message = answer.get("message") or answer.get("error") or answer
        return cls(_one_line(message if isinstance(message, str) else json.dumps(message)), is_json=True)


class DatasetsError(Failure):
    """NCBI Datasets did not deliver a package.

    Attributes:
        url: the request, without the API key.
        status: HTTP status of the last response; None without one.
        ncbi_phid: NCBI's ID of the last request, which its support asks for; None without a response.
        attempts: requests sent.
        retry_after: seconds that NCBI asked to wait before the next request; None if it did not.
        ncbi_message: NCBI's own message; "" without one.
        fewer_may_succeed: whether a request for fewer records may succeed: NCBI began and did not finish, or the
            package is too large.
    """

    def __init__(
        self,
        message: str,
        *,
        url: str | None = None,
        status: int | None = None,
        ncbi_phid: str | None = None,
        attempts: int = 0,
        retry_after: float | None = None,
        ncbi_message: str = "",
        fewer_may_succeed: bool = False,
    ) -> None:
        references = [f"URL {url}"] if url else []
        if ncbi_phid:
            references.append(f"Ncbi-Phid {ncbi_phid}")
        super().__init__(f"{message} [{', '.join(references)}]" if references else message)
        self.url = url
        self.status = status
        self.ncbi_phid = ncbi_phid
        self.attempts = attempts
        self.retry_after = retry_after
        self.ncbi_message = ncbi_message
        self.fewer_may_succeed = fewer_may_succeed

    def within(self, what: str) -> Self:
        """The same error as a step of something larger.

        Args:
            what: what failed because of it, to stand before the message.
        """
        error = type(self)(f"{what}: {self}")
        vars(error).update(vars(self))
        return error


class RequestRefused(DatasetsError, PermanentFailure):
    """NCBI rejects this request, however often it is sent: the request or the base URL must change."""


class DatasetsUnavailable(DatasetsError):
    """NCBI did not deliver a complete package; the same request may succeed later."""


class PackageError(Failure):
    """A data package is damaged. No `DatasetsError`: an archived package can be damaged too.

    Attributes:
        reason: what was expected and what was found.
        path: the package's file.
        member: the member at fault; None when it is the package as a whole.
    """

    def __init__(self, reason: str, *, path: Path | None = None, member: str | None = None) -> None:
        super().__init__(": ".join(str(part) for part in (path, member, reason) if part is not None))
        self.reason = reason
        self.path = path
        self.member = member


def _without_markup(text: str) -> str:
    text = re.sub(r"(?is)<(script|style|head)\b.*?</\1\s*>", " ", text)
    return html.unescape(re.sub(r"<[^>]*>", " ", text))


def _one_line(text: str) -> str:
    return textwrap.shorten(text, _LONGEST_MESSAGE, placeholder=" ...")
