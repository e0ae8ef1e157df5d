"""Downloading a data package over HTTP, with retries and a limited patience."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError, ProtocolError
from urllib3.util import Retry

from virus_warehouse import __version__
from virus_warehouse.ncbi.errors import DatasetsUnavailable, ErrorBody, PackageError, RequestRefused
from virus_warehouse.ncbi.limits import MAX_BYTES, PackageLimits
from virus_warehouse.ncbi.pace.pace import Pace, Paused, Turn
from virus_warehouse.ncbi.pace.shared import limit_of, shared_pace
from virus_warehouse.ncbi.request import PackageRequest
from virus_warehouse.settings import SettingError, positive

NCBI_DATASETS_URL = "https://api.ncbi.nlm.nih.gov/datasets/v2"
DEFAULT_PATIENCE = 100.0

# What NCBI's own command-line client retries: an overload, and every server error but "not implemented".
_WORTH_RETRYING = frozenset({429, *range(500, 600)} - {501})
_WHEN_ASKED_TO_WAIT = frozenset({requests.codes.too_many_requests, requests.codes.service_unavailable})
"""Statuses whose `Retry-After` is about more than the one request."""
_GATEWAY_TIMED_OUT = frozenset({502, 504})
"""What NCBI's front end answers when a server behind it takes too long for a request (NCBI issue #594)."""

_LONGEST_BACKOFF = 30.0
_LONGEST_RETRY_AFTER = 10**9

_CHUNK_BYTES = 1024 * 1024
_FLOWING_BYTES = 64 * 1024
_LONGEST_ERROR_BODY = 64 * 1024
_LONGEST_ANSWER = 16 * 1024 * 1024
"""Of JSON: a thousand accessions take 50 kB."""

_LONGEST_FAILURE = 250

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """Progress of one attempt at a download. There is no total: NCBI does not announce the length.

    Attributes:
        bytes: received in this attempt.
        seconds: since NCBI began to respond.
        attempt: which attempt it is, from 1.
    """

    bytes: int
    seconds: float
    attempt: int

    @property
    def bytes_per_second(self) -> float:
        """The mean rate of this attempt."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class Download:
    """A finished download.

    Attributes:
        path: the package; None when NCBI answered that nothing matches the request.
        url: the request, without the API key.
        requested_at: when the request that succeeded was sent, in UTC.
        attempts: requests sent, the one that succeeded included.
        http_status: of the successful response: 200, or 404 for an empty result.
        ncbi_phid: NCBI's request ID, to quote when contacting its support.
        datasets_version: NCBI's version of the service.
        user_message: NCBI's message to its users; None without one.
        bytes: the package's size.
        seconds: from sending that request to the package's last byte.
        sha256: of the package, in hex; None for an empty result.
        parts: number of parts that it was downloaded in; None: in one piece.
        not_delivered: how many records NCBI listed but did not deliver in them.
    """

    path: Path | None
    url: str
    requested_at: datetime
    attempts: int
    http_status: int
    ncbi_phid: str | None
    datasets_version: str | None
    user_message: str | None
    bytes: int
    seconds: float
    sha256: str | None
    parts: int | None = None
    not_delivered: int = 0

    @property
    def empty(self) -> bool:
        """Whether no record matches. A package may be empty too: `DataPackage.is_empty`."""
        return self.path is None


class DatasetsClient:
    """Downloads data packages from NCBI Datasets, with retries. Threads may share one client.

    Args:
        base_url: the API's base URL, with neither credentials nor query.
        api_key: raises NCBI's limit from 5 to 10 requests a second. Sent as a header to that host alone; it
            appears in no URL, log, message or repr.
        connect_timeout: seconds that connecting to one address of the host may take.
        read_timeout: seconds that NCBI may be silent at a stretch.
        attempts: requests sent for one download at most.
        patience: seconds that NCBI may be silent altogether in one download, waits between attempts included. While
            data arrive, NCBI is not silent, so a long download may take as long as it needs. The last attempt may
            exceed the patience by `read_timeout`.
        backoff_factor: seconds; the waits between attempts are 0 and then about 2, 4 and 8 times as long, at
            most 30 s.
        progress_interval: seconds between two calls of a download's `progress`.
        max_bytes: largest size of a package, as protection against endless responses.
        pace: keeps the requests to NCBI's limit; closed with the client. None: this client's requests only.

    Raises:
        SettingError: for an invalid base URL or API key.
    """

    def __init__(
        self,
        base_url: str = NCBI_DATASETS_URL,
        api_key: str | None = None,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        attempts: int = 5,
        patience: float = DEFAULT_PATIENCE,
        backoff_factor: float = 2.0,
        progress_interval: float = 3.0,
        max_bytes: int = PackageLimits.bytes,
        pace: Pace | None = None,
    ) -> None:
        self.base_url = _checked_base_url(base_url, "the base URL of NCBI Datasets")
        self._api_key = _checked_api_key(api_key, "the API key of NCBI Datasets")
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._patience = patience
        self._progress_interval = progress_interval
        self._max_bytes = max_bytes
        self._retry_policy = Retry(
            total=attempts - 1,
            status_forcelist=_WORTH_RETRYING,
            backoff_factor=backoff_factor,
            backoff_jitter=backoff_factor,
            backoff_max=_LONGEST_BACKOFF,
            # urllib3 would shorten a longer one, and `retry_after` would not be NCBI's.
            retry_after_max=_LONGEST_RETRY_AFTER,
        )
        self._pace = pace or Pace(limit_of(self.has_api_key))
        self._session = _Session(self._pace, patience)
        self._session.hooks["response"].append(self._pass_on_retry_after)
        self._session.headers.update(
            {
                "Accept": "application/zip",
                "Accept-Encoding": "identity",
                "User-Agent": f"virus-warehouse/{__version__} (a DuckDB warehouse of virus genomes)",
            }
        )
        if self._api_key:
            self._session.headers["api-key"] = self._api_key

    @classmethod
    def from_environment(
        cls,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        patience: float | None = None,
        connection: str = "the connection",
        **settings: Any,
    ) -> Self:
        """A client configured from the environment.

        It is read from `NCBI_DATASETS_URL`, `NCBI_API_KEY`, `NCBI_DATASETS_PATIENCE`, `NCBI_DATASETS_PACE` and
        `VIRUS_MAX_PACKAGE_BYTES`. All clients with one API key, or none, share NCBI's limit in the database that
        `NCBI_DATASETS_PACE` names, or else in the data folder.

        Args:
            base_url: for when the environment names none; None for NCBI's.
            api_key: for when the environment has none.
            patience: in seconds, for when the environment sets none; None for the default.
            connection: what to call the origin of the arguments in messages.
            settings: the client's other arguments.

        Raises:
            SettingError: when one of them cannot be used.
        """
        given_url, given_key = os.environ.get("NCBI_DATASETS_URL"), os.environ.get("NCBI_API_KEY")
        url = _checked_base_url(
            given_url or base_url or NCBI_DATASETS_URL,
            "NCBI_DATASETS_URL" if given_url else f"the host of {connection}",
        )
        key = _checked_api_key(given_key or api_key, "NCBI_API_KEY" if given_key else f"the password of {connection}")
        return cls(
            url,
            key,
            patience=positive("NCBI_DATASETS_PATIENCE", DEFAULT_PATIENCE if patience is None else patience),
            max_bytes=PackageLimits.from_environment().bytes,
            pace=shared_pace(url, key),
            **settings,
        )

    def __repr__(self) -> str:
        return f"DatasetsClient({self.base_url!r}, api_key={'***' if self._api_key else None})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pace(self) -> Pace:
        """What keeps the requests to NCBI's limit."""
        return self._pace

    @property
    def has_api_key(self) -> bool:
        """Whether requests have an API key."""
        return self._api_key is not None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
        self._pace.close()

    def version(self) -> str:
        """The version of the service; one request, which shows whether it responds.

        Raises:
            DatasetsUnavailable: when it does not.
        """
        try:
            response = self._ask_version()
            response.raise_for_status()
            return str(response.json()["version"])
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise DatasetsUnavailable(f"{self._version_url} does not respond like NCBI Datasets: {error}") from error

    def time(self) -> datetime:
        """The server's time, to the second, from the `Date` header of one small response, whatever its status.

        Raises:
            DatasetsUnavailable: when it does not respond, or without a time.
        """
        try:
            return parsedate_to_datetime(self._ask_version().headers["Date"])
        except requests.RequestException as error:
            raise DatasetsUnavailable(f"{self._version_url} does not respond: {_innermost(error)}") from error
        except (KeyError, ValueError) as error:
            raise DatasetsUnavailable(f"{self._version_url} responds without a valid Date header") from error

    @property
    def _version_url(self) -> str:
        return f"{self.base_url}/version"

    def _ask_version(self) -> requests.Response:
        timeouts = self._connect_timeout, self._read_timeout
        turn = self._turn(self._version_url, self._patience, attempts=0)
        try:
            return self._session.get(self._version_url, headers={"Accept": "application/json"}, timeout=timeouts)
        finally:
            turn.heard()

    def _pass_on_retry_after(self, response: requests.Response, **_: object) -> None:
        """Let all who share the limit wait as long as NCBI asks for in any response."""
        seconds = _retry_after(self._retry_policy, response) if response.status_code in _WHEN_ASKED_TO_WAIT else None
        if seconds:
            self._pace.pause(seconds)

    def _turn(self, url: str, patience: float, attempts: int) -> Turn:
        """Wait for the turn to send a request.

        Raises:
            DatasetsUnavailable: when NCBI has asked others who share the limit to wait for longer than the patience.
        """
        try:
            return self._pace.wait(patience)
        except Paused as pause:
            raise DatasetsUnavailable(
                f"NCBI Datasets has asked to wait {pause.seconds:.0f} s, longer than the patience left, in response to "
                f"another request; so this one was not sent. Try again later.",
                url=url,
                attempts=attempts,
                retry_after=pause.seconds,
            ) from pause

    def download(
        self,
        request: PackageRequest,
        destination: Path,
        *,
        accept: Callable[[Path], object] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Download:
        """Download a package to `destination`, which exists afterwards completely or not at all.

        NCBI often fails halfway, with a truncated body (NCBI issue #419) or a damaged package in a successful response
        (NCBI issues #360, #440). So an attempt includes everything from connecting to accepting the package, and each
        starts from byte 0, because NCBI cannot resume.

        Args:
            request: the request.
            destination: the file to write; its folder is created when missing. Until it is accepted the package is
                stored beside it, with `.part` added to its name.
            accept: called with the path of the complete package; raises `PackageError` when it is damaged, which
                makes the attempt fail. It may move the package aside; otherwise it is deleted.
            progress: called every few seconds while bytes arrive, and at the end.

        Returns:
            The download, or an empty result when no record matches.

        Raises:
            RequestRefused: NCBI rejects this request, or the package exceeds `max_bytes`: a retry would not help.
            DatasetsUnavailable: attempts or patience used up, or NCBI asked to wait for longer than the patience
                left; `retry_after` then says how long.
            OSError: `destination` cannot be written.
        """
        url = request.url(self.base_url)
        destination.parent.mkdir(parents=True, exist_ok=True)
        part = destination.with_name(f"{destination.name}.part")

        def attempt(number: int, patience: _Patience) -> Download:
            return self._attempt(
                url, request.body, part, destination, number, patience, accept=accept, progress=progress
            )

        try:
            return self._with_retries(url, "complete package", attempt)
        finally:
            part.unlink(missing_ok=True)

    def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object that answers a POST, with retries as for a download; empty when nothing matches.

        Args:
            path: below the base URL.
            body: what to send, as JSON.

        Raises:
            RequestRefused, DatasetsUnavailable: as for a download.
        """
        url = f"{self.base_url}{path}"
        return self._with_retries(url, "answer", lambda number, patience: self._ask(url, body, number, patience))

    def _ask(self, url: str, body: Mapping[str, Any], attempt: int, patience: _Patience) -> dict[str, Any]:
        turn = self._turn(url, patience.left, attempt - 1)
        text = b""
        with self._answer(url, body, turn, patience, accept="application/json") as response:
            if response.status_code != requests.codes.ok:
                self._raise_unless_nothing_matches(response, url, attempt, patience)
                return {}
            for chunk in _chunks(response, patience):
                text += chunk
                if len(text) > _LONGEST_ANSWER:
                    raise _AttemptFailed(f"an answer of more than {_LONGEST_ANSWER} bytes", response)
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _AttemptFailed(f"an answer that is no JSON ({error})", response) from error
        if not isinstance(answer, dict):
            raise _AttemptFailed("an answer that is no JSON object", response)
        return answer

    def _with_retries(self, url: str, wanted: str, attempt: Callable[[int, _Patience], T]) -> T:
        """What the first attempt that does not fail returns.

        Args:
            url: of the requests.
            wanted: what NCBI is to deliver, in words.
            attempt: called with the number of the attempt, from 1, and the patience; raises `_AttemptFailed`.
        """
        policy, patience = self._retry_policy, _Patience(self._patience)
        failures: list[_AttemptFailed] = []
        while True:
            try:
                return attempt(len(failures) + 1, patience)
            except _AttemptFailed as failure:
                failures.append(failure)
            policy = self._wait_for_next_attempt(policy, url, wanted, failures, patience)

    @contextmanager
    def _answer(
        self,
        url: str,
        body: Mapping[str, Any] | None,
        turn: Turn,
        patience: _Patience,
        *,
        accept: str = "application/zip",
    ) -> Iterator[requests.Response]:
        """The response to a request that has its turn, to be read within the block.

        Raises:
            _AttemptFailed: when the connection fails or falls silent, also within the block.
        """
        patience.left -= turn.paused
        response: requests.Response | None = None
        try:
            with patience.listening():
                timeouts = (
                    min(self._connect_timeout, patience.left),
                    min(self._read_timeout, patience.left),
                )
                method, headers = "GET" if body is None else "POST", {"Accept": accept}
                with self._session.request(
                    method, url, json=body, headers=headers, stream=True, timeout=timeouts
                ) as response:
                    turn.heard()
                    yield response
        except (requests.RequestException, HTTPError, Silence) as error:
            turn.heard()  # nothing of the request will arrive after this
            received = f" after {response.raw.tell()} bytes" if response is not None else ""
            raise _AttemptFailed(
                f"{_innermost(error)}{received}", response, fewer_may_succeed=_was_under_way(error)
            ) from error

    def _attempt(
        self,
        url: str,
        body: Mapping[str, Any] | None,
        part: Path,
        destination: Path,
        attempt: int,
        patience: _Patience,
        *,
        accept: Callable[[Path], object] | None,
        progress: Callable[[Progress], None] | None,
    ) -> Download:
        turn = self._turn(url, patience.left, attempt - 1)
        requested_at = datetime.now(UTC)
        started = time.monotonic()
        size, sha256 = 0, None
        with self._answer(url, body, turn, patience) as response:
            if response.status_code != requests.codes.ok:
                self._raise_unless_nothing_matches(response, url, attempt, patience)
            else:
                size, sha256 = self._save(response, part, attempt, patience, progress)
                if size > self._max_bytes:
                    raise self._too_large(response, url, attempt)
        seconds = time.monotonic() - started
        if sha256 is not None:
            try:
                if accept is not None:
                    accept(part)
            except PackageError as error:
                raise _AttemptFailed(f"package refused: {error}", response, fewer_may_succeed=True) from error
            part.replace(destination)
        return Download(
            path=destination if sha256 is not None else None,
            url=url,
            requested_at=requested_at,
            attempts=attempt,
            http_status=response.status_code,
            ncbi_phid=response.headers.get("Ncbi-Phid"),
            datasets_version=response.headers.get("X-Datasets-Version"),
            user_message=_user_message(response),
            bytes=size,
            seconds=seconds,
            sha256=sha256,
        )

    def _save(
        self,
        response: requests.Response,
        part: Path,
        attempt: int,
        patience: _Patience,
        progress: Callable[[Progress], None] | None,
    ) -> tuple[int, str]:
        """The size and SHA-256 of the body, which is written to `part`."""
        sha256 = hashlib.sha256()
        size = 0
        started = last_report = time.monotonic()
        with part.open("wb", buffering=_CHUNK_BYTES) as file:
            for chunk in _chunks(response, patience):
                file.write(chunk)
                sha256.update(chunk)
                size += len(chunk)
                if size > self._max_bytes:
                    break
                now = time.monotonic()
                if progress is not None and now - last_report >= self._progress_interval:
                    progress(Progress(size, now - started, attempt))
                    last_report = now
            # The ledger will refer to this file: it must survive a power cut.
            file.flush()
            os.fsync(file.fileno())
        if progress is not None:
            progress(Progress(size, time.monotonic() - started, attempt))
        return size, sha256.hexdigest()

    def _raise_unless_nothing_matches(
        self, response: requests.Response, url: str, attempt: int, patience: _Patience
    ) -> None:
        body = b""
        # The status counts even when its explanation is truncated.
        with suppress(HTTPError, Silence):
            for chunk in _chunks(response, patience):
                body += chunk
                if len(body) >= _LONGEST_ERROR_BODY:
                    break
        if self._api_key:
            # NCBI's message repeats a rejected key.
            body = body.replace(self._api_key.encode(), b"***")
        error = ErrorBody.parse(body)
        status = response.status_code
        if status == requests.codes.not_found and error.is_json and "does not match any items" in error.message:
            return
        seen = f"HTTP {status} {response.reason or ''}".rstrip() + (f": {error.message}" if error.message else "")
        if self._retry_policy.is_retry("GET", status):
            raise _AttemptFailed(
                seen,
                response,
                _retry_after(self._retry_policy, response),
                error.message,
                fewer_may_succeed=status in _GATEWAY_TIMED_OUT,
            )
        raise RequestRefused(
            f"NCBI Datasets refused the request: {seen.rstrip('.')}. {self._way_out(status)}",
            url=url,
            status=status,
            ncbi_phid=response.headers.get("Ncbi-Phid"),
            attempts=attempt,
            ncbi_message=error.message,
        )

    def _too_large(self, response: requests.Response, url: str, attempt: int) -> RequestRefused:
        return RequestRefused(
            f"NCBI Datasets sends a package of more than {self._max_bytes} bytes. Narrow the source's filters, or raise"
            f" {MAX_BYTES}.",
            url=url,
            status=response.status_code,
            ncbi_phid=response.headers.get("Ncbi-Phid"),
            attempts=attempt,
            fewer_may_succeed=True,
        )

    def _way_out(self, status: int) -> str:
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            return "Check the API key, or remove it."
        if status == requests.codes.not_found:
            return f"Check the taxon, and that the base URL {self.base_url} is right."
        return "Fix the request; retrying will not help."

    def _wait_for_next_attempt(
        self, policy: Retry, url: str, wanted: str, failures: Sequence[_AttemptFailed], patience: _Patience
    ) -> Retry:
        """The retry policy for the next attempt.

        Raises:
            DatasetsUnavailable: when there is no attempt left.
        """
        failure = failures[-1]
        try:
            policy = policy.increment("GET", url, error=failure)
        except MaxRetryError:
            raise self._given_up("no attempts left", url, wanted, failures) from failure
        wait = failure.retry_after or policy.get_backoff_time()
        if wait >= patience.left:
            reason = "patience used up"
            if failure.retry_after:
                reason = f"NCBI asks to wait {failure.retry_after:.0f} s, longer than the patience left"
            raise self._given_up(reason, url, wanted, failures) from failure
        _log.warning("Attempt %d failed: %s. Trying again in %.1f s.", len(failures), failure, wait)
        patience.left -= wait
        time.sleep(wait)
        return policy

    def _given_up(self, reason: str, url: str, wanted: str, failures: Sequence[_AttemptFailed]) -> DatasetsUnavailable:
        last = failures[-1]
        seen = "; ".join(
            f"attempt {number}: {textwrap.shorten(str(failure), _LONGEST_FAILURE, placeholder=' ...')}"
            for number, failure in enumerate(failures, start=1)
        )
        phid = next((failure.ncbi_phid for failure in reversed(failures) if failure.ncbi_phid), None)
        if all(failure.status is None for failure in failures):
            way_out = f"No response: check the network, and that the base URL {self.base_url} is right."
        elif phid is None:
            way_out = f"Try again later; if this lasts, check that the base URL {self.base_url} is right."
        else:
            way_out = "Try again later; if this lasts, write to NCBI's support and quote the Ncbi-Phid."
        return DatasetsUnavailable(
            f"NCBI Datasets delivered no {wanted} ({reason}): {seen}. {way_out}",
            url=url,
            status=last.status,
            ncbi_phid=phid,
            attempts=len(failures),
            retry_after=last.retry_after,
            ncbi_message=last.ncbi_message,
            fewer_may_succeed=last.fewer_may_succeed and not last.retry_after,
        )


class _AttemptFailed(Exception):
    """An attempt failed in a way that a retry may fix."""

    def __init__(
        self,
        seen: str,
        response: requests.Response | None,
        retry_after: float | None = None,
        ncbi_message: str = "",
        *,
        fewer_may_succeed: bool = False,
    ) -> None:
        super().__init__(seen)
        self.status = response.status_code if response is not None else None
        self.ncbi_phid = response.headers.get("Ncbi-Phid") if response is not None else None
        self.retry_after = retry_after
        self.ncbi_message = ncbi_message
        self.fewer_may_succeed = fewer_may_succeed


class Silence(Exception):
    """The patience ran out while a connection was open."""


class _Patience:
    """How long NCBI may still be silent in one download.

    Attributes:
        left: seconds; below zero when an attempt overran.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self._silent_since = 0.0
        self._heard = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Subtract the silence at the end of an attempt."""
        self._silent_since = time.monotonic()
        self._heard = 0
        try:
            yield
        finally:
            self.left -= time.monotonic() - self._silent_since

    def heard(self, size: int) -> None:
        """Count received bytes: a connection that delivers is not silent, but one that trickles is.

        Raises:
            Silence: when the patience has run out.
        """
        now = time.monotonic()
        if now - self._silent_since > self.left:
            raise Silence(f"less than {_FLOWING_BYTES} bytes in {now - self._silent_since:.0f} s")
        self._heard += size
        if self._heard >= _FLOWING_BYTES:
            self._silent_since = now
            self._heard = 0


class _Session(requests.Session):
    """Follows redirects, but keeps the API key from any other host, as requests does with `Authorization`.

    Its adapters keep requests' default of no retries, which would not be counted and would miss damaged bodies.

    Args:
        pace: of the requests that follow a redirect; the first one of each call has its turn from the caller.
        patience: seconds that such a request may wait because NCBI asks for it.
    """

    def __init__(self, pace: Pace, patience: float) -> None:
        super().__init__()
        self._pace, self._patience = pace, patience

    def close(self) -> None:
        """Close all connections, also while something, such as an error, still refers to their pool."""
        for adapter in self.adapters.values():
            pools = getattr(getattr(adapter, "poolmanager", None), "pools", {})
            for pool in [pools.get(key) for key in pools.keys()]:  # noqa: SIM118 (it cannot be iterated over)
                if pool is not None:
                    pool.close()
        super().close()

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        super().rebuild_auth(prepared_request, response)
        old_url, new_url = response.request.url or "", prepared_request.url or ""
        if self.should_strip_auth(old_url, new_url):
            prepared_request.headers.pop("api-key", None)
        if urlsplit(old_url).netloc == urlsplit(new_url).netloc:
            try:
                self._pace.wait(self._patience)
            except Paused as pause:
                raise requests.RequestException(str(pause)) from pause


def _chunks(response: requests.Response, patience: _Patience) -> Iterator[bytes]:
    # `read1` returns what has arrived; `read` waits for a full chunk, forever if the body only trickles.
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        patience.heard(len(chunk))
        yield chunk


def _retry_after(policy: Retry, response: requests.Response) -> float | None:
    """Seconds that NCBI asks to wait; None if it does not, or in an unknown format."""
    try:
        return policy.get_retry_after(response.raw)
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _user_message(response: requests.Response) -> str | None:
    names = ("X-Datasets-User-Message", "X-Datasets-Version-Message")
    return " ".join(response.headers[name] for name in names if name in response.headers) or None


def _was_under_way(error: BaseException) -> bool:
    """Whether NCBI had accepted the connection, so that what it did not finish may be the work on the request."""
    if isinstance(error, requests.ConnectionError):
        # Not: refused, unknown host, no route. requests raises the same class for all of them.
        return any(isinstance(cause, ProtocolError) for cause in error.args)
    return isinstance(error, requests.ReadTimeout | HTTPError | Silence)


def _innermost(error: BaseException) -> str:
    """The root cause: requests wraps urllib3's errors, which wrap the system's."""
    while isinstance(inner := error.__cause__ or error.__context__, OSError | HTTPError | HTTPException):
        error = inner
    return f"{type(error).__name__}: {error}"


def _checked_base_url(base_url: str, name: str) -> str:
    """The base URL without its last slash.

    Raises:
        SettingError: when it is none, which names the setting.
    """
    host = None
    try:
        parts = urlsplit(base_url.strip())
        host = parts.hostname
        is_valid = parts.scheme in ("http", "https") and bool(host) and parts.port != 0
        has_more = "@" in base_url or bool(parts.query or parts.fragment)
    except ValueError:  # brackets that do not match, a port that is no number
        is_valid, has_more = False, any(mark in base_url for mark in "@?#")
    if has_more:
        # These may be secrets, so nothing of the value but the host is shown.
        where = f"{name} for {host}" if host else name
        raise SettingError(
            f"{where} has credentials, a query or a fragment; remove them, so that it is like {NCBI_DATASETS_URL}, and "
            f"set the API key separately"
        )
    if not is_valid:
        raise SettingError(f"{name} is {base_url!r}; it must be like {NCBI_DATASETS_URL}")
    return base_url.strip().rstrip("/")


def _checked_api_key(api_key: str | None, name: str) -> str | None:
    key = (api_key or "").strip()
    # requests would reject such a header too, but show the key in its message.
    if not re.fullmatch(r"[!-~]*", key):
        raise SettingError(f"{name} has invalid characters; copy the API key again from your NCBI account")
    return key or None
