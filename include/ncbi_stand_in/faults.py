"""Failures that have been seen at NCBI and that a robust client must handle, one function each.

To add one, write a function and register it with `@fault_kind`. The issue numbers are NCBI's.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from zipfile import ZipFile

from starlette.responses import Response

from ncbi_stand_in.package import (
    DATA_FOLDER,
    DATA_REPORT,
    DataFile,
    Package,
    WrittenFile,
    catalog_text,
    md5sum_text,
)
from ncbi_stand_in.responses import (
    CutResponse,
    DrippingResponse,
    ResetResponse,
    StalledResponse,
    download_response,
    error_response,
)


@dataclass(frozen=True)
class Fault:
    """A fault that is queued for a download. Each kind uses only some of the fields.

    `fraction` is the part of the package that is sent, in [0, 1). `seconds` is the length of a pause.
    """

    kind: str
    status: int = 503
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    fraction: float = 0.5
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; known: {', '.join(sorted(FAULT_KINDS))}")
        if not 0 <= self.fraction < 1:
            raise ValueError(f"fraction {self.fraction} is not in [0, 1)")

    def response(self, package: Package, filename: str) -> Response:
        """The faulty response that is sent instead of the package."""
        return FAULT_KINDS[self.kind](self, package, filename)


@dataclass(frozen=True)
class Limit:
    """What NCBI does with a package that is larger than a limit, as long as it is set (#183, #326).

    `kind` is `cut`, the connection closes after `bytes`; or `stalled`, there is no response at all for `seconds`.
    """

    bytes: int
    kind: str = "cut"
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.kind not in ("cut", "stalled"):
            raise ValueError(f"unknown limit {self.kind!r}; known: cut, stalled")

    def response(self, package: Package, filename: str) -> Response:
        """The package, if it is small enough."""
        begun = b""
        for chunk in package:
            begun += chunk
            if len(begun) > self.bytes:
                if self.kind == "stalled":
                    return StalledResponse(b"", filename, self.seconds)
                return CutResponse(begun[: self.bytes], filename)
        return download_response(iter([begun]), filename)


FaultKind = Callable[[Fault, Package, str], Response]
FAULT_KINDS: dict[str, FaultKind] = {}


def fault_kind(function: FaultKind) -> FaultKind:
    """Register a kind of fault under its function's name."""
    FAULT_KINDS[function.__name__] = function
    return function


@fault_kind
def status(fault: Fault, package: Package, filename: str) -> Response:
    """Any status, body and headers, such as a 429 with Retry-After (#284) or a gateway's 502 (#594)."""
    return Response(fault.body, fault.status, fault.headers, "text/plain")


@fault_kind
def cut(fault: Fault, package: Package, filename: str) -> Response:
    """The connection closes mid-body (#419, #541)."""
    return CutResponse(_first_part(package, fault.fraction), filename)


@fault_kind
def reset(fault: Fault, package: Package, filename: str) -> Response:
    """The connection is reset mid-body, or before the response if `fraction` is 0."""
    return ResetResponse(_first_part(package, fault.fraction), filename)


@fault_kind
def stalled(fault: Fault, package: Package, filename: str) -> Response:
    """The body stops while the connection stays open. If `fraction` is 0, no response is sent at all."""
    return StalledResponse(_first_part(package, fault.fraction), filename, fault.seconds)


@fault_kind
def drip(fault: Fault, package: Package, filename: str) -> Response:
    """A valid package, sent byte by byte: no pause is long enough for a read timeout (#326 timed out)."""
    return DrippingResponse(b"".join(package), filename, fault.seconds)


@fault_kind
def truncated(fault: Fault, package: Package, filename: str) -> Response:
    """A response that ends normally but has only a part of the zip (#277, #360)."""
    return download_response(iter([_first_part(package, fault.fraction)]), filename)


@fault_kind
def not_zip(fault: Fault, package: Package, filename: str) -> Response:
    """A web page of NCBI's front end, with status 200."""
    page = "<!DOCTYPE html><html><head><title>NCBI</title></head><body>Please try again later.</body></html>"
    return Response(fault.body or page, 200, media_type="text/html")


@fault_kind
def bad_crc(fault: Fault, package: Package, filename: str) -> Response:
    """A valid zip whose data report does not match its CRC (#440)."""
    return download_response(iter([_with_wrong_crc(b"".join(package))]), filename)


@fault_kind
def md5_mismatch(fault: Fault, package: Package, filename: str) -> Response:
    """A valid zip whose `md5sum.txt` has a wrong hash for the data report."""
    package.md5sum_text = lambda md5s: md5sum_text({**md5s, DATA_REPORT: "0" * 32})
    return download_response(package, filename)


@fault_kind
def catalog_mismatch(fault: Fault, package: Package, filename: str) -> Response:
    """A valid zip whose catalog has a wrong length for the data report."""
    package.catalog_text = lambda files: catalog_text([_one_byte_longer(files[0]), *files[1:]])
    return download_response(package, filename)


@fault_kind
def absent_report(fault: Fault, package: Package, filename: str) -> Response:
    """A valid package without a data report, one possible result if no record matches (contract notes, section 2)."""
    package.data_files = ()
    return download_response(package, filename)


@fault_kind
def empty_report(fault: Fault, package: Package, filename: str) -> Response:
    """A valid package whose data report has no lines, another possible result if no record matches."""
    package.data_files = (DataFile(DATA_REPORT, "DATA_REPORT", ()),)
    return download_response(package, filename)


@fault_kind
def odd_lines(fault: Fault, package: Package, filename: str) -> Response:
    """A valid package whose data report has an unknown field in each line, and one truncated line."""
    report, *others = package.data_files
    package.data_files = (replace(report, lines=_with_odd_lines(report.lines)), *others)
    return download_response(package, filename)


@fault_kind
def fewer_records(fault: Fault, package: Package, filename: str) -> Response:
    """A valid package that lists only this fraction of the records: NCBI has dropped valid ones overnight (#530)."""
    report, *others = package.data_files
    lines = list(report.lines)
    package.data_files = (replace(report, lines=lines[: int(len(lines) * fault.fraction)]), *others)
    return download_response(package, filename)


@fault_kind
def more_headers(fault: Fault, package: Package, filename: str) -> Response:
    """A valid package with additional headers. NCBI's own client exits with 1 on X-Datasets-User-Message."""
    response = download_response(package, filename)
    response.headers.update(fault.headers)
    return response


@fault_kind
def empty_404(fault: Fault, package: Package, filename: str) -> Response:
    """A 404 for a request that no record matches, which NCBI's own client handles (contract notes, section 2)."""
    return error_response(404, "Your request does not match any items in our database")


def _first_part(package: Package, fraction: float) -> bytes:
    whole = b"".join(package)
    return whole[: int(len(whole) * fraction)]


def _with_odd_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    line = b""
    for line in lines:
        yield line.replace(b"{", b'{"depthOfCoverage":31.5,', 1)
    yield line[: len(line) // 2] + b"\n"


def _one_byte_longer(file: WrittenFile) -> WrittenFile:
    return replace(file, length=file.length + 1)


def _with_wrong_crc(package: bytes) -> bytes:
    """Invert the data report's CRC where readers look for it: in the central directory and the data descriptor."""
    with ZipFile(BytesIO(package)) as archive:
        member = archive.getinfo(DATA_FOLDER + DATA_REPORT)
    right = member.CRC.to_bytes(4, "little")
    wrong = (member.CRC ^ 0xFFFFFFFF).to_bytes(4, "little")
    in_descriptor = package.index(b"PK\x07\x08" + right) + 4
    # The last occurrence of the path is in the central directory, 30 bytes after the CRC.
    in_directory = package.rindex(member.filename.encode()) - 30
    broken = bytearray(package)
    for start in (in_descriptor, in_directory):
        broken[start : start + 4] = wrong
    return bytes(broken)
