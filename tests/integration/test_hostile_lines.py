"""Hostile report lines are quarantined with a reason, the lines around them are loaded, in bounded memory."""

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support.packages import CATALOG, DATA_REPORT, MD5_SUMS, README, whole
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tiers import some_of
from tests.support.warehouses import Store, dicts, line, query
from virus_warehouse.data_folder import DataFolder

INCLUDE = Path(__file__).parents[2] / "include"
MEBIBYTE = 1 << 20
NOT_JSON = "not JSON, or more than one value on the line"
GOOD = (line("PX000001.1").encode(), line("PX000003.1").encode())

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the system does not show a process's peak memory in /proc"
)


def deep(opening: str, closing: str, depth: int) -> bytes:
    return f'{{"accession":"PX000002.1","deep":{opening * depth}1{closing * depth}}}'.encode()


REFUSED: dict[str, tuple[bytes, str]] = {
    "NUL in a text": (b'{"accession":"PX000002.1","labHost":"a\0b"}', "holds a NUL byte"),
    "NULs alone": (bytes(1000), "holds a NUL byte"),
    "other control characters": (
        b'{"accession":"PX000002.1","labHost":"a\x01\x1b[31mb"}',
        "holds a control character at byte 38",
    ),
    "tab in a text": (b'{"accession":"PX000002.1","labHost":"a\tb"}', NOT_JSON),
    "invalid UTF-8": (b'{"accession":"PX000002.1","labHost":"\xc3("}', "not UTF-8 at byte 37"),
    "overlong UTF-8": (b'{"accession":"PX000002.1","labHost":"\xc0\xaf"}', "not UTF-8 at byte 37"),
    "surrogate in UTF-8": (b'{"accession":"PX000002.1","labHost":"\xed\xa0\x80"}', "not UTF-8 at byte 37"),
    "beyond Unicode": (b'{"accession":"PX000002.1","labHost":"\xf5\x80\x80\x80"}', "not UTF-8 at byte 37"),
    "UTF-16": ('{"accession":"PX000002.1"}'.encode("utf-16-le"), "holds a NUL byte"),
    "lone surrogate, first half": (rb'{"accession":"PX000002.1","labHost":"\ud800"}', NOT_JSON),
    "lone surrogate, second half": (rb'{"accession":"PX000002.1","labHost":"\udc00"}', NOT_JSON),
    "lone surrogate in a name": (rb'{"accession":"PX000002.1","\ud800":1}', NOT_JSON),
    "nothing but openings": (b"[" * 100_000, NOT_JSON),
    "million openings": (b"[" * 1_000_001, "opens more than 1000000 lists and objects"),
    "objects never closed": (b'{"a":' * 100_000, NOT_JSON),
    "byte order mark within": (b"\xef\xbb\xbf" + line("PX000002.1").encode(), NOT_JSON),
    "number without end": (b'{"accession":"PX000002.1","length":' + b"9" * 100_000 + b"}", "length: "),
    "list where text is meant": (b'{"accession":["PX000002.1"]}', "accession: "),
}
"""A line that must be quarantined, by its kind, with the recorded reason."""

ACCEPTED: dict[str, bytes] = {
    "deep arrays in an unknown field": deep("[", "]", 100_000),
    "deep objects in an unknown field": deep('{"a":', "}", 100_000),
    "a million objects in an unknown field": deep('{"a":', "}", 1_000_000),
    "deep value of a field kept as JSON": b'{"accession":"PX000002.1","virus":{"infraspecificNames":{"strain":'
    + b"[" * 10_000
    + b"]" * 10_000
    + b"}}}",
    "escaped NUL": rb'{"accession":"PX000002.1","unknown":"a\u0000b"}',
    "pair of surrogates": rb'{"accession":"PX000002.1","labHost":"\ud83e\uddec"}',
    "carriage return at the end": line("PX000002.1").encode() + b"\r",
    "a hundred thousand unknown fields": b'{"accession":"PX000002.1",'
    + b",".join(b'"x%d":1' % number for number in range(100_000))
    + b"}",
    "text of quotes": json.dumps({"accession": "PX000002.1", "labHost": '"' * 3 * MEBIBYTE}).encode(),
    "text of backslashes": json.dumps({"accession": "PX000002.1", "labHost": "\\" * 3 * MEBIBYTE}).encode(),
}
"""A line that looks bad but is valid, or only has new content: loaded, or at least quarantined."""


@pytest.mark.parametrize("name", some_of(REFUSED, one_in=3))
@pytest.mark.parametrize("line_end", [b"", pytest.param(b"\r", marks=pytest.mark.long)], ids=["LF", "CRLF"])
def test_hostile_line_is_quarantined_with_its_reason(tmp_path: Path, name: str, line_end: bytes) -> None:
    content, reason = REFUSED[name]
    store = Store(tmp_path)
    outcomes = store.load(*(one + line_end for one in (GOOD[0], content, GOOD[1])))
    assert outcomes == {"inserted": 2, "quarantined": 1}
    ((number, recorded_reason, raw),) = store.rows("SELECT line_number, reason, raw FROM ops.quarantine")
    assert number == 2
    assert recorded_reason.startswith(reason)
    assert "\0" not in raw
    assert store.rows("SELECT accession FROM virus_genome ORDER BY ALL") == [("PX000001",), ("PX000003",)]


@pytest.mark.parametrize("name", some_of(ACCEPTED, one_in=3))
def test_odd_line_is_loaded(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path)
    outcomes = store.load(GOOD[0], ACCEPTED[name], GOOD[1])
    assert sum(outcomes.values()) == 3
    assert outcomes["inserted"] >= 2
    assert {("PX000001",), ("PX000003",)} <= set(store.rows("SELECT accession FROM virus_genome"))


def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.load(b"\xef\xbb\xbf" + GOOD[0] + b"\r", GOOD[1] + b"\r") == {"inserted": 2}
    assert store.rows("SELECT count(*) FROM ops.quarantine") == [(0,)]


@pytest.mark.parametrize("neighbour", [GOOD[1], b"{"], ids=["read at once", "looked at closely"])
def test_escaped_nul_is_a_character_of_the_value(tmp_path: Path, neighbour: bytes) -> None:
    store = Store(tmp_path)
    store.load(
        rb'{"accession":"PX000002.1","labHost":"a\u0000b","submitter":{"names":["c\u0000"]}}',
        neighbour,
        annotation=[rb'{"accession":"PX000002.1","isolateName":"d\u0000e"}', neighbour],
        biosamples=[rb'{"accession":"SAMN1","attributes":[{"name":"f","value":"g\u0000h"}]}', neighbour],
    )
    genome = "SELECT lab_host, submitter_names FROM virus_genome WHERE accession = 'PX000002'"
    assert store.rows(genome) == [("a\0b", ["c\0"])]
    assert store.rows("SELECT isolate_name FROM virus_annotation WHERE accession = 'PX000002'") == [("d\0e",)]
    assert store.rows("SELECT value FROM biosample_attribute") == [("g\0h",)]


INGEST = """
    import json, re, resource, sys
    from pathlib import Path

    # Of tests alone; where DuckDB finds them it imports them, with 100 MB.
    sys.modules.update(dict.fromkeys(("pandas", "pyarrow")))

    from virus_warehouse.data_folder import DataFolder
    from virus_warehouse.ingest import ingest
    from virus_warehouse.ncbi.client import DatasetsClient
    from virus_warehouse.ncbi.request import VirusGenomeRequest
    from virus_warehouse.sources import Source
    from virus_warehouse.warehouse.connection import Warehouse

    resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30))
    data = DataFolder.from_environment()
    source = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"))
    with DatasetsClient.from_environment() as client:
        result = ingest(source, client=client, warehouse=Warehouse(data.warehouse), data=data)
    print(json.dumps(result.counts))
    # Not from getrusage, which reports the parent process's memory if that was more.
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def ingested_apart(root: Path, package: Path, memory_limit: str = "512MB") -> tuple[dict[str, Any], int]:
    """The counts of a run with this package in a process of its own, and its peak memory in MiB."""
    script = package.with_name("ingest.py")  # a file: at a prompt DuckDB would draw its progress
    script.write_text(textwrap.dedent(INGEST), encoding="utf-8")
    with ScriptedServer(Answer(body=package.read_bytes())) as server:
        run = subprocess.run(
            [sys.executable, script],
            env={
                **os.environ,
                "PYTHONPATH": str(INCLUDE),
                "VIRUS_DATA": str(root),
                "NCBI_DATASETS_URL": server.url,
                "VIRUS_MEMORY_LIMIT": memory_limit,
                "VIRUS_THREADS": "2",
                "VIRUS_MAX_COMPRESSION_RATIO": "2000",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    counts, kibibytes = run.stdout.splitlines()
    return dict(json.loads(counts)), int(kibibytes) // 1024


def package_of(pieces: Iterable[bytes], path: Path) -> Path:
    """A package whose data report is these pieces, which are never in memory at once. Its catalog has no lengths."""
    catalog = b'{"assemblies": [{"files": [{"filePath": "data_report.jsonl"}]}]}'
    md5 = hashlib.md5()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(README, whole({})[README])
        with archive.open(DATA_REPORT, "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)
                md5.update(piece)
        archive.writestr(CATALOG, catalog)
        sums = {DATA_REPORT: md5.hexdigest(), CATALOG: hashlib.md5(catalog).hexdigest()}
        archive.writestr(MD5_SUMS, "".join(f"{sums[name]}  {name}\n" for name in sums))
    return path


LONG_LINES: dict[str, tuple[bytes, bytes]] = {
    "text": (b'{"accession":"PX000002.1","labHost":"', b"a"),
    "openings": (b"", b"["),
    "quotes": (b'{"accession":"PX000002.1","labHost":"', b'"'),
    "backslashes": (b'{"accession":"PX000002.1","labHost":"', b"\\"),
    "NULs": (b"", b"\0"),
    "bytes that are no UTF-8": (b"", b"\xff"),
    "blanks": (b"", b" "),
    "carriage returns": (b"x", b"\r"),
}


MOST_MIB = 400
"""The memory limit of a run, for lines of any length."""


def far_too_long(filling: str, mebibytes: int) -> Iterable[bytes]:
    start, byte = LONG_LINES[filling]
    return [start, *[byte * MEBIBYTE] * mebibytes, b"\n"]


def assert_reported(row: dict[str, Any], filling: str, mebibytes: int) -> None:
    start, _ = LONG_LINES[filling]
    length = len(start) + mebibytes * MEBIBYTE
    assert row["reason"].startswith("longer than 16 MiB: ")
    if filling != "carriage returns":  # some of them belong to the line end
        assert row["reason"] == f"longer than 16 MiB: {length} bytes, of which raw holds the first MiB"
    assert len(row["raw"]) <= 4 * MEBIBYTE


@needs_proc
def test_memory_stays_bounded_with_lines_that_are_far_too_long(tmp_path: Path) -> None:
    mebibytes = 52
    assert mebibytes * len(LONG_LINES) > MOST_MIB, "together more than the allowed peak"
    pieces = [GOOD[0], b"\n"]
    for filling in LONG_LINES:
        pieces += far_too_long(filling, mebibytes)
    root = tmp_path / "data"
    counts, peak = ingested_apart(root, package_of([*pieces, GOOD[1], b"\n"], tmp_path / "package.zip"))
    expected = {"lines": 2 + len(LONG_LINES), "inserted": 2, "quarantined": len(LONG_LINES)}
    assert {name: count for name, count in counts.items() if count} == expected
    refused = dicts(DataFolder(root).warehouse, "FROM ops.quarantine ORDER BY line_number")
    for number, (filling, row) in enumerate(zip(LONG_LINES, refused, strict=True), start=2):
        assert row["line_number"] == number
        assert_reported(row, filling, mebibytes)
    assert peak < MOST_MIB
    assert query(DataFolder(root).warehouse, "SELECT count(*) FROM virus_genome") == [(2,)]


@needs_proc
@pytest.mark.long
@pytest.mark.parametrize("filling", LONG_LINES)
def test_memory_stays_bounded_with_one_line_that_is_longer_than_the_memory(tmp_path: Path, filling: str) -> None:
    pieces = [GOOD[0], b"\n", *far_too_long(filling, 512), GOOD[1], b"\n"]
    root = tmp_path / "data"
    counts, peak = ingested_apart(root, package_of(pieces, tmp_path / "package.zip"))
    assert {name: count for name, count in counts.items() if count} == {"lines": 3, "inserted": 2, "quarantined": 1}
    (refused,) = dicts(DataFolder(root).warehouse, "FROM ops.quarantine")
    assert refused["line_number"] == 2
    assert_reported(refused, filling, 512)
    assert peak < MOST_MIB
    assert query(DataFolder(root).warehouse, "SELECT count(*) FROM virus_genome") == [(2,)]


SHORT_ENOUGH = 15 * MEBIBYTE
ALMOST_TOO_LONG: dict[str, bytes] = {
    "control characters": b"\x01" * SHORT_ENOUGH,
    "bytes that are no UTF-8": b"\xff" * SHORT_ENOUGH,
    "text that is not ASCII": b'{"accession":"PX000002.1","labHost":"'
    + "\u00e9".encode() * (SHORT_ENOUGH // 2)
    + b'"}',
    "quotes": b'"' * SHORT_ENOUGH,
    "openings": b"[" * SHORT_ENOUGH,
    "nested arrays": deep("[", "]", SHORT_ENOUGH // 3),
    "nested objects": deep('{"a":', "}", SHORT_ENOUGH // 7),
}


@pytest.mark.long
@needs_proc
@pytest.mark.parametrize(
    "names",
    [
        pytest.param([*ALMOST_TOO_LONG], id="all of them"),
        *(pytest.param([name], id=name, marks=pytest.mark.long) for name in ALMOST_TOO_LONG),
    ],
)
def test_memory_stays_bounded_with_lines_that_are_almost_too_long(tmp_path: Path, names: list[str]) -> None:
    odd = [ALMOST_TOO_LONG[name] for name in names]
    pieces = [part for content in (GOOD[0], *odd, GOOD[1]) for part in (content, b"\n")]
    package = package_of(pieces, tmp_path / "package.zip")
    counts, peak = ingested_apart(tmp_path / "data", package, memory_limit="1GB")
    assert (counts["lines"], counts["inserted"] + counts["quarantined"]) == (2 + len(odd), 2 + len(odd))
    assert counts["inserted"] >= 2
    assert peak < 1500
