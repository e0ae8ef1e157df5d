import email.utils
import hashlib
import logging
import pickle
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support import packages
from tests.support.scripted_server import Answer, HeldBody, ScriptedServer
from tests.support.warehouses import line
from virus_warehouse.ncbi.client import DatasetsClient, Download, Progress
from virus_warehouse.ncbi.errors import (
    DatasetsError,
    DatasetsUnavailable,
    ErrorBody,
    PackageError,
    RequestRefused,
)
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.settings import SettingError

KEY = "0123456789abcdef0123456789abcdef0123"
PACKAGE = packages.package(['{"accession":"PX252254.1"}'])
WHOLE = Answer(
    headers={
        "Content-Type": "application/zip",
        "Ncbi-Phid": "322C00001.1",
        "X-Datasets-Version": "18.32.0",
    },
    body=PACKAGE,
)
NOTHING_MATCHES = Answer(
    404,
    body=b'{"error":"Not Found","code":404,"message":"Your request does not match any items in our data"}',
)
BROKEN = Answer(503, headers={"Ncbi-Phid": "322C00002.1"}, body=b"<html><h1>Not   now</h1></html>")
REQUEST = VirusGenomeRequest(taxon="10244")
SILENCE_SECONDS = 600
"""Seconds for which a server is silent; no test waits that long."""


def client(server: ScriptedServer, **settings: Any) -> DatasetsClient:
    return DatasetsClient(server.url, **({"backoff_factor": 0.0, "read_timeout": 120.0} | settings))


def is_whole(path: Path) -> None:
    DataPackage(path).verify()


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "new folder" / "mpox.zip"
    yield path
    assert {entry.name for entry in path.parent.iterdir()} <= {"mpox.zip"}, "leftover files"


def test_whole_package_is_saved_and_described(destination: Path) -> None:
    before = datetime.now(UTC)
    with ScriptedServer(WHOLE) as server, client(server) as datasets:
        download = datasets.download(REQUEST, destination, accept=is_whole)
        url = REQUEST.url(server.url)
    assert destination.read_bytes() == PACKAGE
    assert before <= download.requested_at <= datetime.now(UTC)
    assert 0 < download.seconds < 120
    assert download == Download(
        path=destination,
        url=url,
        requested_at=download.requested_at,
        attempts=1,
        http_status=200,
        ncbi_phid="322C00001.1",
        datasets_version="18.32.0",
        user_message=None,
        bytes=len(PACKAGE),
        seconds=download.seconds,
        sha256=hashlib.sha256(PACKAGE).hexdigest(),
    )
    assert not download.empty


def test_request_is_sent_as_ncbi_wants_it(destination: Path) -> None:
    window_request = VirusGenomeRequest(taxon="Zika virus", aux_report=("ANNOTATION", "BIOSAMPLE_REPORT"))
    with ScriptedServer(WHOLE) as server, client(server) as datasets:
        datasets.download(window_request, destination)
    [received] = server.requests
    assert received.path == "/virus/taxon/Zika%20virus/genome/download"
    assert received.query == window_request.query()
    assert received.headers["accept"] == "application/zip"
    assert received.headers["accept-encoding"] == "identity"
    assert received.headers["user-agent"].startswith("virus-warehouse/")
    assert "api-key" not in received.headers


def test_body_with_a_content_length_is_accepted(destination: Path) -> None:
    with ScriptedServer(Answer(body=PACKAGE, chunked=False)) as server, client(server) as datasets:
        datasets.download(REQUEST, destination, accept=is_whole)
        datasets.download(REQUEST, destination, accept=is_whole)
    assert destination.read_bytes() == PACKAGE


def test_message_to_users_is_passed_on(destination: Path) -> None:
    headers = {"X-Datasets-User-Message": "Maintenance on Sunday.", "X-Datasets-Version-Message": "Update."}
    with ScriptedServer(Answer(headers=headers, body=PACKAGE)) as server, client(server) as datasets:
        assert datasets.download(REQUEST, destination).user_message == "Maintenance on Sunday. Update."


def test_ncbis_own_404_for_no_match_is_an_empty_result(destination: Path) -> None:
    with ScriptedServer(NOTHING_MATCHES) as server, client(server) as datasets:
        download = datasets.download(REQUEST, destination, accept=is_whole)
    assert download.empty
    assert (download.path, download.http_status, download.bytes, download.sha256) == (None, 404, 0, None)
    assert not destination.exists()


def test_closed_client_has_no_connection_open_whatever_refers_to_it(destination: Path) -> None:
    """An error that is kept, for example, refers to what its frames had."""
    with ScriptedServer(Answer(body=packages.package([line()]))) as server:
        port = int(server.url.rsplit(":", 1)[1].split("/")[0])
        with client(server) as downloading:
            downloading.download(VirusGenomeRequest(taxon="10244"), destination)
            managers = [adapter.poolmanager for adapter in downloading._session.adapters.values()]
            kept = [manager.pools.get(key) for manager in managers for key in manager.pools.keys()]  # noqa: SIM118
        ours = [one for one in psutil.Process().net_connections() if one.raddr and one.raddr.port == port]
        assert (len(kept), [one.status for one in ours if one.status == psutil.CONN_ESTABLISHED]) == (1, [])


class TestRetriedErrors:
    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(Answer(429), id="too many requests"),
            pytest.param(Answer(500), id="server error"),
            pytest.param(BROKEN, id="unavailable"),
            pytest.param(Answer(504), id="gateway time-out"),
            pytest.param(Answer(599), id="unknown server error"),
            pytest.param(Answer(body=PACKAGE, cut_after=0), id="cut before the first byte"),
            pytest.param(Answer(body=PACKAGE, cut_after=300), id="cut chunks"),
            pytest.param(Answer(body=PACKAGE, chunked=False, cut_after=300), id="cut below the length"),
            pytest.param(Answer(503, body=b"x" * 99, cut_after=9), id="cut explanation"),
            *(pytest.param(Answer(body=make(["{}"])), id=f"package: {name}") for name, make in packages.NASTY.items()),
        ],
    )
    def test_fault_costs_one_attempt(self, destination: Path, fault: Answer) -> None:
        with ScriptedServer(fault, WHOLE) as server, client(server, api_key=KEY) as datasets:
            download = datasets.download(REQUEST, destination, accept=is_whole)
        assert download.attempts == len(server.requests) == 2
        assert destination.read_bytes() == PACKAGE

    @pytest.mark.slow
    def test_silence_costs_one_attempt(self, tmp_path: Path) -> None:
        """Before the answer, or in the body; both at once, because each waits for a timeout."""

        def attempts_if_silent(stall_after: int | None) -> int:
            silent = Answer(body=PACKAGE, stall_after=stall_after, stall_seconds=SILENCE_SECONDS)
            destination = tmp_path / f"silent after {stall_after}.zip"
            # Long enough for the second answer on a busy machine.
            with ScriptedServer(silent, WHOLE) as server, client(server, read_timeout=4.0) as datasets:
                download = datasets.download(REQUEST, destination, accept=is_whole)
            assert download.attempts == len(server.requests)
            assert destination.read_bytes() == PACKAGE
            return download.attempts

        with ThreadPoolExecutor() as threads:
            assert [*threads.map(attempts_if_silent, [None, 300])] == [2, 2]
        assert len([*tmp_path.iterdir()]) == 2

    def test_unreachable_host(self, destination: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        with (
            DatasetsClient(f"http://127.0.0.1:{port}", attempts=2, backoff_factor=0) as datasets,
            pytest.raises(DatasetsUnavailable, match="Connection refused") as failed,
        ):
            datasets.download(REQUEST, destination)
        assert (failed.value.attempts, failed.value.status, failed.value.ncbi_phid) == (2, None, None)

    def test_attempts_are_counted_and_reported(self, destination: Path) -> None:
        cut = Answer(body=PACKAGE, cut_after=300)
        with (
            ScriptedServer(BROKEN, cut, Answer(body=b"no zip")) as server,
            client(server, attempts=3) as datasets,
            pytest.raises(DatasetsUnavailable) as failed,
        ):
            datasets.download(REQUEST, destination, accept=is_whole)
        assert failed.value.attempts == len(server.requests) == 3
        assert failed.value.ncbi_phid == "322C00002.1"
        for part in (
            "attempt 1: HTTP 503 Service Unavailable: Not now",
            "attempt 2: IncompleteRead",
            "after 300 bytes",
            "attempt 3: package refused",
            "Try again later",
            "Ncbi-Phid 322C00002.1",
        ):
            assert part in str(failed.value)

    def test_single_attempt(self, destination: Path) -> None:
        with (
            ScriptedServer(BROKEN) as server,
            client(server, attempts=1) as datasets,
            pytest.raises(DatasetsUnavailable) as failed,
        ):
            datasets.download(REQUEST, destination)
        assert len(server.requests) == 1
        assert failed.value.ncbi_message == "Not now"

    def test_refused_package_may_be_moved_aside(self, destination: Path, tmp_path: Path) -> None:
        moved = tmp_path / "refused.zip"

        def refuse(path: Path) -> None:
            path.rename(moved)
            raise PackageError("expected records, found none", path=path)

        with (
            ScriptedServer(WHOLE) as server,
            client(server, attempts=1) as datasets,
            pytest.raises(DatasetsUnavailable, match="expected records, found none"),
        ):
            datasets.download(REQUEST, destination, accept=refuse)
        assert moved.read_bytes() == PACKAGE
        assert not destination.exists()

    def test_other_errors_of_the_caller_are_propagated(self, destination: Path) -> None:
        def full(path: Path) -> None:
            raise OSError(28, "No space left on device")

        with (
            ScriptedServer(WHOLE) as server,
            client(server) as datasets,
            pytest.raises(OSError, match="No space left"),
        ):
            datasets.download(REQUEST, destination, accept=full)
        assert len(server.requests) == 1

    def test_failed_download_keeps_the_existing_file(self, destination: Path) -> None:
        destination.parent.mkdir()
        destination.write_bytes(b"yesterday's")
        with (
            ScriptedServer(BROKEN) as server,
            client(server, attempts=2) as datasets,
            pytest.raises(DatasetsUnavailable),
        ):
            datasets.download(REQUEST, destination)
        assert destination.read_bytes() == b"yesterday's"


class TestErrorsThatAreNotRetried:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 501])
    def test_refusal_fails_at_once_with_ncbi_message(self, destination: Path, status: int) -> None:
        answer = Answer(
            status,
            headers={"Ncbi-Phid": "322C00003.1", "Retry-After": "1"},
            body=b'{"error":"Oh","code":1,"message":"The taxonomy name \'x\' is not recognized."}',
        )
        with ScriptedServer(answer, WHOLE) as server, client(server) as datasets:
            with pytest.raises(RequestRefused) as refused:
                datasets.download(REQUEST, destination)
            assert refused.value.url == REQUEST.url(server.url)
        assert len(server.requests) == refused.value.attempts == 1
        assert refused.value.status == status
        assert refused.value.ncbi_phid == "322C00003.1"
        assert refused.value.ncbi_message == "The taxonomy name 'x' is not recognized."
        for part in (str(status), "'x' is not recognized", "322C00003.1", refused.value.url):
            assert part in str(refused.value)

    @pytest.mark.parametrize("body", [b"<h1>Not Found</h1> does not match any items", b"", b'{"message":"x"}'])
    def test_any_other_404_hints_at_the_base_url(self, destination: Path, body: bytes) -> None:
        with (
            ScriptedServer(Answer(404, body=body)) as server,
            client(server) as datasets,
            pytest.raises(RequestRefused, match=f"base URL {server.url}"),
        ):
            datasets.download(REQUEST, destination)

    def test_retried_request_may_still_be_refused(self, destination: Path) -> None:
        with (
            ScriptedServer(BROKEN, Answer(400)) as server,
            client(server) as datasets,
            pytest.raises(RequestRefused) as refused,
        ):
            datasets.download(REQUEST, destination)
        assert refused.value.attempts == len(server.requests) == 2


class TestTimeoutsAndWaits:
    @pytest.mark.slow
    @pytest.mark.parametrize("as_date", [False, True])
    def test_retry_after_is_obeyed(self, destination: Path, as_date: bool) -> None:
        # An HTTP date has no fractions, so two seconds from now may be one second.
        at = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
        wait = Answer(429, headers={"Retry-After": email.utils.format_datetime(at, usegmt=True) if as_date else "1"})
        started = time.monotonic()
        with ScriptedServer(wait, WHOLE) as server, client(server) as datasets:
            download = datasets.download(REQUEST, destination)
        assert download.attempts == 2
        if as_date:
            assert download.requested_at >= at
        else:
            assert time.monotonic() - started > 0.9

    def test_long_retry_after_is_left_to_the_caller(self, destination: Path) -> None:
        wait = Answer(429, headers={"Retry-After": "86400"})
        with (
            ScriptedServer(wait) as server,
            client(server) as datasets,
            pytest.raises(DatasetsUnavailable, match="asks to wait 86400 s") as failed,
        ):
            datasets.download(REQUEST, destination)
        assert failed.value.retry_after == 86400
        assert len(server.requests) == 1

    def test_unreadable_retry_after_is_none(self, destination: Path) -> None:
        wait = Answer(503, headers={"Retry-After": "soon"})
        with ScriptedServer(wait, WHOLE) as server, client(server) as datasets:
            assert datasets.download(REQUEST, destination).attempts == 2

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(Answer(stall_seconds=SILENCE_SECONDS), id="silent before the answer"),
            pytest.param(Answer(body=PACKAGE, stall_after=300, stall_seconds=SILENCE_SECONDS), id="silent in the body"),
            pytest.param(Answer(body=[b"x"] * 999, pause_seconds=0.1), id="drips"),
            pytest.param(Answer(body=[b"x"] * 999, pause_seconds=0.1, chunked=False), id="drips, with a length"),
            pytest.param(Answer(503, body=[b"x"] * 999, pause_seconds=0.1), id="explanation drips"),
        ],
    )
    def test_silence_of_any_kind_times_out(self, destination: Path, fault: Answer) -> None:
        started = time.monotonic()
        with ScriptedServer(fault) as server, client(server, patience=0.8, read_timeout=0.5) as datasets:
            with pytest.raises(DatasetsUnavailable, match="patience used up"):
                datasets.download(REQUEST, destination)
            assert time.monotonic() - started < 60, "the drips last 100 s"

    @pytest.mark.slow
    def test_long_download_that_keeps_flowing_is_not_limited(self, destination: Path) -> None:
        slow = Answer(body=[b"x" * 64 * 1024] * 10, pause_seconds=0.7)
        with ScriptedServer(slow) as server, client(server, patience=6) as datasets:
            download = datasets.download(REQUEST, destination)
        assert download.seconds > 6
        assert download.attempts == 1

    def test_waits_increase(self, destination: Path) -> None:
        started = time.monotonic()
        with (
            ScriptedServer(BROKEN) as server,
            client(server, attempts=4, backoff_factor=0.1) as datasets,
            pytest.raises(DatasetsUnavailable),
        ):
            datasets.download(REQUEST, destination)
        assert 0.6 <= time.monotonic() - started < 60


class TestApiKey:
    def test_is_sent_as_a_header_and_appears_nowhere(self, destination: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        echo = f'{{"error":"API key invalid","api-key":"{KEY}","message":"API key {KEY} invalid"}}'.encode()
        errors: list[DatasetsError] = []
        answers = [Answer(503, body=echo), Answer(400, body=echo), BROKEN]
        with ScriptedServer(*answers) as server, client(server, api_key=f" {KEY}\n", attempts=2) as datasets:
            for _ in range(2):
                with pytest.raises(DatasetsError) as failed:
                    datasets.download(REQUEST, destination)
                errors.append(failed.value)
            shown = [repr(datasets), str(datasets)]
        assert [received.headers["api-key"] for received in server.requests] == [KEY] * 4
        assert all(KEY not in value for received in server.requests for _, value in received.query)
        assert "API key *** invalid" in str(errors[0])
        for error in errors:
            chain: BaseException | None = error
            while chain is not None:
                shown += [str(chain), repr(chain), repr(vars(chain))]
                chain = chain.__cause__ or chain.__context__
        assert caplog.messages
        assert KEY not in "".join([*shown, caplog.text])

    def test_unusable_key_is_refused_without_showing_it(self) -> None:
        with pytest.raises(SettingError, match="API key") as refused:
            DatasetsClient(api_key=f"{KEY}\nX-Evil: 1")
        assert KEY not in str(refused.value)

    @pytest.mark.parametrize("url", [f"https://x.org/v2?api_key={KEY}", f"https://me:{KEY}@x.org/v2"])
    def test_base_url_with_a_key_is_refused_without_showing_it(self, url: str) -> None:
        with pytest.raises(SettingError, match=r"x\.org") as refused:
            DatasetsClient(url)
        assert KEY not in str(refused.value)

    def test_stays_with_its_host(self, destination: Path) -> None:
        with ScriptedServer(WHOLE) as elsewhere:
            redirect = Answer(302, headers={"Location": f"{elsewhere.url}/package"})
            with ScriptedServer(redirect) as server, client(server, api_key=KEY) as datasets:
                datasets.download(REQUEST, destination, accept=is_whole)
        assert "api-key" in server.requests[0].headers
        assert "api-key" not in elsewhere.requests[0].headers


@pytest.mark.parametrize("url", ["", "api.ncbi.nlm.nih.gov/datasets/v2", "ftp://x.org", "https://"])
def test_invalid_base_url_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="must be like https://"):
        DatasetsClient(url)


@pytest.mark.slow
@pytest.mark.parametrize(("api_key", "limit"), [(None, 5), (KEY, 10)])
def test_ncbi_rate_limit_is_kept_across_threads(tmp_path: Path, api_key: str | None, limit: int) -> None:
    with ScriptedServer(WHOLE) as server, client(server, api_key=api_key) as datasets:
        threads = [
            threading.Thread(target=datasets.download, args=(REQUEST, tmp_path / f"{number}.zip"))
            for number in range(2 * limit)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(list(tmp_path.iterdir())) == 2 * limit
    at = [request.at for request in server.requests]
    assert all(later - earlier >= 1 for earlier, later in zip(at, at[limit:], strict=False))


@pytest.mark.slow
def test_request_that_follows_a_redirect_counts(tmp_path: Path) -> None:
    there_and_back = [Answer(302, headers={"Location": "/package"}), WHOLE]
    with ScriptedServer(*there_and_back * 3) as server, client(server) as datasets:
        for number in range(3):
            datasets.download(REQUEST, tmp_path / f"{number}.zip", accept=is_whole)
    assert len(server.requests) == 6
    assert server.requests[5].at - server.requests[0].at >= 1


def test_progress_is_reported_while_bytes_arrive_and_at_the_end(destination: Path) -> None:
    seen: list[Progress] = []
    reported = threading.Event()
    held = HeldBody([b"x" * 1000] * 9, b"x" * 1000, reported)

    def report(progress: Progress) -> None:
        seen.append(progress)
        reported.set()  # only now is the last piece sent

    with ScriptedServer(BROKEN, Answer(body=held)) as server, client(server, progress_interval=0.0) as datasets:
        datasets.download(REQUEST, destination, progress=report)
    assert 0 < seen[0].bytes < seen[-1].bytes == 10_000
    assert [progress.bytes for progress in seen] == sorted(progress.bytes for progress in seen)
    assert {progress.attempt for progress in seen} == {2}
    assert seen[-1].bytes_per_second == seen[-1].bytes / seen[-1].seconds > 0


def test_progress_is_not_reported_more_often_than_requested(destination: Path) -> None:
    seen: list[Progress] = []
    slow = Answer(body=[b"x" * 1000] * 10, pause_seconds=0.01)
    with ScriptedServer(slow) as server, client(server, progress_interval=3600.0) as datasets:
        datasets.download(REQUEST, destination, progress=seen.append)
    assert [progress.bytes for progress in seen] == [10_000], "only the end is reported"
    assert Progress(bytes=0, seconds=0.0, attempt=1).bytes_per_second == 0.0


def test_memory_does_not_grow_with_the_body(destination: Path) -> None:
    body = [b"x" * 1024 * 1024] * 64
    with ScriptedServer(Answer(body=body)) as server, client(server) as datasets:
        tracemalloc.start()
        try:
            download = datasets.download(REQUEST, destination)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert download.bytes == 64 * 1024 * 1024
    assert peak < 16 * 1024 * 1024


@pytest.mark.parametrize(
    ("body", "message", "is_json"),
    [
        (b'{"error":"Bad Request","code":400,"message":"Invalid argument"}', "Invalid argument", True),
        (b'{"code":3,"message":"parsing field","details":[]}', "parsing field", True),
        (b'{"error":"API key invalid"}', "API key invalid", True),
        (b'{"unknown":1}', '{"unknown": 1}', True),
        (b'["a"]', '["a"]', True),
        (b"[gateway] Gateway Error", "[gateway] Gateway Error", False),
        (b"<html><head><title>t</title></head><body>No &amp;\n no</body></html>", "No & no", False),
        (b"", "", False),
        (b"\xff\xfe", "\ufffd\ufffd", False),
        (b"[" * 100_000, "...", False),
    ],
)
def test_error_bodies_of_every_kind_are_read(body: bytes, message: str, is_json: bool) -> None:
    assert ErrorBody.parse(body) == ErrorBody(message, is_json)


def test_errors_can_be_pickled() -> None:
    error = DatasetsUnavailable("no package", url="https://x.org", attempts=5, retry_after=7.0)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.retry_after, copy.attempts) == (str(error), 7.0, 5)
    refused = pickle.loads(pickle.dumps(PackageError("expected x", path=Path("p.zip"), member="m")))
    assert (str(refused), refused.member) == ("p.zip: m: expected x", "m")
