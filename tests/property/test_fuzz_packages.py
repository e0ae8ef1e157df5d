"""Any bytes as a package, any bytes as report lines: refused or quarantined with a reason, without other errors.

`make test` tries the same cases every time, `make test-long` thousands with the session's seed. Failing cases found so
far are kept as examples.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st

from tests.support import hostile_packages as hostile
from tests.support import packages
from tests.support.seeds import session_seed
from tests.support.warehouses import line, stage_bytes
from virus_warehouse.ncbi.errors import PackageError
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.session import private_session

COMMON: dict[str, Any] = {"suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
LONG_CASES = 20_000

SEEDS = [
    packages.package(hostile.LINES, ["{}"], ["{}"]),
    packages.package(hostile.LINES, streamed=False),
    *(make() for name, (_, make) in hostile.HOSTILE.items() if "bomb" not in name and "directory of" not in name),
]
"""Valid and hostile packages: a mutation may repair one fault and cause another."""

# Values that have caused errors in zip readers, and the signatures that they look for.
TOKENS = [
    *(
        number.to_bytes(width, "little")
        for width in (2, 4, 8)
        for number in (0, 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1)
    ),
    *(b"PK" + mark for mark in (b"\1\2", b"\3\4", b"\5\6", b"\6\6", b"\6\7", b"\7\x08")),
    b"ncbi_dataset/data/data_report.jsonl",
    b"md5sum.txt",
    b"\0",
]

Mutation = Callable[[bytes], bytes]


@st.composite
def mutations(draw: st.DrawFn) -> Mutation:
    """Some bytes are overwritten, inserted, removed or repeated. Positions are fractions of the length."""
    kind = draw(st.sampled_from(["overwrite", "insert", "delete", "repeat"]))
    place, other = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    token = draw(st.sampled_from(TOKENS) | st.binary(min_size=1, max_size=8))
    length = draw(st.integers(1, 60))

    def mutate(content: bytes) -> bytes:
        at = round(place * len(content))
        if kind == "overwrite":
            return content[:at] + token + content[at + len(token) :]
        if kind == "insert":
            return content[:at] + token + content[at:]
        if kind == "delete":
            return content[:at] + content[at + length :]
        start = round(other * len(content))
        return content[:at] + content[start : start + length] + content[at:]

    return mutate


def mutated(seeds: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    def apply(content: bytes, changes: list[Mutation]) -> bytes:
        for change in changes:
            content = change(content)
        return content

    return st.builds(apply, seeds, st.lists(mutations(), max_size=4))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "ncbi_dataset.zip"


CONTENTS = mutated(st.sampled_from(SEEDS)) | st.binary(max_size=200)


@settings(max_examples=250, **COMMON)
@given(content=CONTENTS)
def test_any_bytes_are_a_complete_package_or_refused(scratch: Path, content: bytes) -> None:
    assert_complete_or_refused(scratch, content)


@pytest.mark.long
@pytest.mark.timeout(0)
@seed(session_seed())
@settings(max_examples=LONG_CASES, **COMMON)
@given(content=CONTENTS)
def test_thousands_of_byte_strings_are_complete_packages_or_refused(scratch: Path, content: bytes) -> None:
    assert_complete_or_refused(scratch, content)


def assert_complete_or_refused(scratch: Path, content: bytes) -> None:
    scratch.write_bytes(content)
    package = DataPackage(scratch)
    refused = refusal(package)
    if refused is not None:
        assert refused.path == scratch
        assert refused.reason
        assert str(refused).isprintable()
        return
    # A complete package can be read, and agrees with its own checksums.
    with zipfile.ZipFile(scratch) as archive:
        sums = archive.read(packages.MD5_SUMS).decode()
    for name in package.report_names:
        with package.open_report(name) as report:
            md5 = hashlib.file_digest(report, "md5").hexdigest()
        assert re.search(f"^{md5} [ *]ncbi_dataset/data/{name}.jsonl$", sums, re.MULTILINE | re.IGNORECASE)


def refusal(package: DataPackage) -> PackageError | None:
    try:
        package.verify()
    except PackageError as error:
        return error
    return None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELD_NAMES = (
    "accession",
    "length",
    "updateDate",
    "releaseDate",
    "virus",
    "host",
    "isolate",
    "bioprojects",
    "isAnnotated",
)


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


GOOD_LINE = line(
    "PX000001.1", host={"taxId": 9606, "organismName": "Homo sapiens"}, submitter={"names": ["Wu,F."]}
).encode()
LINES = (
    mutated(st.just(GOOD_LINE))
    | st.binary(max_size=60)
    | JSON_VALUES.map(to_json)
    | st.dictionaries(st.sampled_from(FIELD_NAMES), JSON_VALUES, max_size=5).map(
        lambda fields: to_json({"accession": "PX000009.1", **fields})
    )
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBPyConnection]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VIRUS_THREADS", "1")
        with private_session(tmp_path_factory.mktemp("session")) as session:
            yield session


CUT_IN_THE_MESSAGE = (
    '{"accession": null, "length": null, "updateDate": null, "bioprojects":'
    ' {"»\U0007b78c": null, "00": {"000\\u001f\\u001f\\u001f\\u001f\x80": null}}}'
).encode()
"""DuckDB's message about it ends within a character, so that Python cannot decode it."""


REPORTS: dict[str, Any] = {
    "odd": st.lists(LINES, max_size=12),
    "ends": st.sampled_from([b"\n", b"\r\n"]),
    "mark": st.booleans(),
}


@example(odd=[CUT_IN_THE_MESSAGE], ends=b"\n", mark=False)
@settings(max_examples=12, **COMMON)
@given(**REPORTS)
def test_any_lines_are_loaded_or_quarantined_and_good_lines_loaded(
    session: DuckDBPyConnection, scratch: Path, odd: list[bytes], ends: bytes, mark: bool
) -> None:
    assert_loaded_or_quarantined(session, scratch, odd, ends, mark=mark)


@pytest.mark.long
@pytest.mark.timeout(0)
@seed(session_seed())
@settings(max_examples=LONG_CASES, **COMMON)
@given(**REPORTS)
def test_thousands_of_lines_are_loaded_or_quarantined(
    session: DuckDBPyConnection, scratch: Path, odd: list[bytes], ends: bytes, mark: bool
) -> None:
    assert_loaded_or_quarantined(session, scratch, odd, ends, mark=mark)


def assert_loaded_or_quarantined(
    session: DuckDBPyConnection, scratch: Path, odd: list[bytes], ends: bytes, *, mark: bool
) -> None:
    # A good line between any two odd ones, which must not affect it.
    good = [line(f"OK{number:06d}.1").encode() for number in range(len(odd) + 1)]
    mixed = [good[0], *(part for pair in zip(odd, good[1:], strict=True) for part in pair)]
    content = (b"\xef\xbb\xbf" if mark else b"") + ends.join(mixed)
    lines = stage_bytes(session, scratch.parent, content)
    given = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    numbers = [number for number, one in enumerate(given, start=1) if one.strip()]
    assert lines == len(numbers)
    staged = session.execute("SELECT accession, line_number FROM data_report").fetchall()
    refused = session.execute("SELECT line_number, reason, raw FROM quarantined_line").fetchall()
    assert sorted([number for _, number in staged] + [number for number, *_ in refused]) == numbers
    assert {f"OK{number:06d}" for number in range(len(good))} <= {accession for accession, _ in staged}
    assert all(accession for accession, _ in staged)
    assert all(reason and "\0" not in raw for _, reason, raw in refused)
