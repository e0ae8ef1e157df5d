"""All content of a report is read, refused or recorded as drift, at any depth; nothing is lost silently."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import nested_lines
from tests.support.genuine import (
    ANNOTATION_REPORT_SHAPES,
    BIOSAMPLE_REPORT_SHAPES,
    SARS_COV_2_REPORT,
    needs_genuine_records,
)
from tests.support.nested_lines import ANNOTATION, BIOSAMPLE, at, changed, json_path, lines_of, places
from tests.support.tiers import some_of
from tests.support.warehouses import report as report_bytes
from tests.unit.virus_warehouse.reports.test_data_report import EVERYTHING
from virus_warehouse.reports import reading
from virus_warehouse.reports.annotation_report import ANNOTATION_REPORT
from virus_warehouse.reports.biosample_report import BIOSAMPLE_REPORT
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.reports.reading import StagedReport
from virus_warehouse.reports.report import Report
from virus_warehouse.reports.shape import Json, ListOf, Object, Shape
from virus_warehouse.session import private_session

Stage = Callable[..., StagedReport]

REPORTS = {
    "data": (DATA_REPORT, EVERYTHING),
    "annotation": (ANNOTATION_REPORT, ANNOTATION),
    "biosample": (BIOSAMPLE_REPORT, BIOSAMPLE),
}
HASHES_OF = {"data_report": "record_hash", "annotation_report": "annotation_hash", "biosample_report": "biosample_hash"}
LONG_TEXTS = {"data_report": "labHost", "annotation_report": "isolateName", "biosample_report": "host"}
NOT_JSON = "not JSON, or more than one value on the line"


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


few_or_many = pytest.mark.parametrize("count", [3, pytest.param(25, marks=pytest.mark.long)])


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    (tmp_path / "spill").mkdir()
    with private_session(tmp_path / "spill") as connection:
        yield connection


@pytest.fixture(params=REPORTS)
def kind(request: pytest.FixtureRequest) -> tuple[Report, dict[str, Any]]:
    return REPORTS[request.param]


@pytest.fixture
def report(kind: tuple[Report, dict[str, Any]]) -> Report:
    return kind[0]


@pytest.fixture
def everything(kind: tuple[Report, dict[str, Any]]) -> dict[str, Any]:
    return kind[1]


@pytest.fixture
def inspected_files(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose lines staging inspected."""
    original, files = reading.describe_lines, []

    def describe(path: Path, *others: Any) -> int:
        files.append(path)
        return original(path, *others)

    monkeypatch.setattr(reading, "describe_lines", describe)
    return files


@pytest.fixture
def stage(session: DuckDBPyConnection, tmp_path: Path, report: Report, inspected_files: list[Path]) -> Stage:
    def stage_lines(*lines: str | bytes) -> StagedReport:
        inspected_files.clear()
        return reading.stage(report, session, partial(io.BytesIO, report_bytes(lines)), tmp_path)

    return stage_lines


def refused(session: DuckDBPyConnection, columns: str = "line_number, reason") -> list[tuple[Any, ...]]:
    return session.execute(f"SELECT {columns} FROM quarantined_line ORDER BY line_number").fetchall()


def drift(session: DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return session.execute("SELECT path, occurrences, sample FROM drift ORDER BY path").fetchall()


def staged(session: DuckDBPyConnection, report: Report) -> list[str]:
    rows = session.execute(f"SELECT accession FROM {report.name} ORDER BY line_number").fetchall()
    return [accession for (accession,) in rows]


def named(report: Report, number: int, **fields: Any) -> str:
    return json.dumps({"accession": f"SAMN{number}" if report is BIOSAMPLE_REPORT else f"PX{number}.1", **fields})


KEPT_WHOLE = {
    f"$.{organism}.infraspecificNames.{name}"
    for organism in ("host", "virus")
    for name in ("breed", "cultivar", "ecotype", "isolate", "sex", "strain")
}
"""Paths at which any value is allowed."""


def nodes(shape: Shape, path: str = "$") -> Iterator[str]:
    yield path
    match shape:
        case ListOf():
            yield from nodes(shape.item, f"{path}[*]")
        case Json():
            yield from nodes(shape.shape, path)
        case Object():
            for name, member in shape.members.items():
                yield from nodes(member, f"{path}.{name}")


def test_full_line_of_these_tests_sets_every_field_that_is_read(report: Report, everything: dict[str, Any]) -> None:
    given = {json_path(path) for path in places(everything, object)}
    assert given - KEPT_WHOLE == {*nodes(report.shape)} - KEPT_WHOLE


def test_known_report_is_read_once(
    session: DuckDBPyConnection, stage: Stage, inspected_files: list[Path], everything: dict[str, Any], report: Report
) -> None:
    result = stage(json.dumps(everything), named(report, 1), json.dumps(everything))
    assert result.lines == 3
    assert (refused(session), drift(session)) == ([], [])
    assert inspected_files == []


@pytest.mark.slow
def test_too_long_line_is_refused_even_if_the_reader_accepts_it(
    session: DuckDBPyConnection, stage: Stage, report: Report
) -> None:
    too_long = named(report, 2, **{LONG_TEXTS[report.name]: "x" * (16 << 20)})
    assert stage(named(report, 1), too_long, named(report, 3)).lines == 3
    [(number, reason)] = refused(session)
    assert number == 2
    assert reason.startswith("longer than 16 MiB")


def test_blank_line_does_not_offset_two_values_on_another_line(
    session: DuckDBPyConnection, stage: Stage, report: Report
) -> None:
    two = f"{named(report, 2)} {named(report, 3)}"
    assert stage(named(report, 1), "  ", two, named(report, 4, new=1)).lines == 3
    assert refused(session) == [(3, NOT_JSON)]
    numbers = session.execute(f"SELECT line_number, accession FROM {report.name} ORDER BY 1").fetchall()
    assert [number for number, _ in numbers] == [1, 4]
    assert [accession.split(".")[0][-1] for _, accession in numbers] == ["1", "4"]


def test_only_odd_lines_are_inspected(
    session: DuckDBPyConnection, stage: Stage, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe, described = reading.describe_lines, []

    def describe_and_count(*arguments: Any) -> int:
        described.append(describe(*arguments))
        return described[-1]

    monkeypatch.setattr(reading, "describe_lines", describe_and_count)
    lines = [named(report, number) for number in range(1, 500)]
    lines[99], lines[299] = named(report, 100, new=1), named(report, 300, accession=5)
    lines[399] = named(report, 400, accession="no such form")
    assert stage(*lines).lines == len(lines)
    assert described == [3]
    assert drift(session) == [("$.new", 1, "1")]
    assert [number for number, _ in refused(session)] == [300, 400]
    numbers = session.execute(f"SELECT line_number FROM {report.name} ORDER BY 1").fetchall()
    assert numbers == [(number,) for number in range(1, 500) if number not in (300, 400)]


@pytest.mark.slow
@few_or_many
def test_any_line_of_the_expected_structure_is_read_in_one_pass(
    session: DuckDBPyConnection, stage: Stage, inspected_files: list[Path], report: Report, count: int
) -> None:
    accession = "SAMN1" if report is BIOSAMPLE_REPORT else "PX1.1"
    moments = {"lastUpdated", "publicationDate", "submissionDate", "status", "releaseDate", "updateDate"}

    @examples(count)
    @given(st.lists(lines_of(report.shape, accession), max_size=5))
    def is_read(drawn: list[dict[str, Any]]) -> None:
        lines = [{name: value for name, value in line.items() if name not in moments} for line in drawn]
        assert stage(*map(json.dumps, lines)).lines == len(lines)
        assert (refused(session), drift(session)) == ([], [])
        assert inspected_files == []

    is_read()


NAMES = ["new", "Accession", "a b", "ä", "x/y", "x~y", "x.y", 'quo"te', "back\\slash", "", "taxID"]
VALUES = st.one_of(
    st.text(max_size=5), st.integers(), st.booleans(), st.none(), st.just({"a": [{"b": "c"}]}), st.just([])
)


@pytest.mark.slow
def test_new_name_is_detected_in_every_object(
    session: DuckDBPyConnection, stage: Stage, report: Report, everything: dict[str, Any]
) -> None:
    paths, values = [*places(everything, dict)], ["text", 5, True, None, {"a": [{"b": "c"}]}, []]
    new = [
        (path, name, value)
        for shift in range(3)
        for path, name, value in zip(paths, cycle(NAMES[shift:] + NAMES[:shift]), cycle(values), strict=False)
    ]
    stage(*(json.dumps(changed(everything, (*path, name), value)) for path, name, value in new))
    expected = Counter(f"{json_path(path)}.{name}" for path, name, _ in new)
    assert {path: occurrences for path, occurrences, _ in drift(session)} == expected
    assert refused(session) == []
    assert len(staged(session, report)) == len(new)


@pytest.mark.slow
@few_or_many
def test_single_new_name_is_detected_at_any_depth(
    session: DuckDBPyConnection, stage: Stage, report: Report, everything: dict[str, Any], count: int
) -> None:
    @examples(count)
    @given(st.sampled_from([*places(everything, dict)]), st.sampled_from(NAMES), VALUES, st.integers(0, 2))
    def is_detected(path: nested_lines.Path, name: str, value: Any, others: int) -> None:
        stage(json.dumps(changed(everything, (*path, name), value)), *[json.dumps(everything)] * others)
        [(path_found, occurrences, _)] = drift(session)
        assert (path_found, occurrences) == (f"{json_path(path)}.{name}", 1)
        assert refused(session) == []
        assert len(staged(session, report)) == 1 + others

    is_detected()


def invalid_values_for(path: nested_lines.Path, given: Any) -> list[Any]:
    """Values that are invalid in place of the given one."""
    wrong: list[Any] = [None] if isinstance(path[-1], int) else []
    if isinstance(given, list):
        return [*wrong, "text", 5, {}, {"a": 1}]
    if isinstance(given, bool):
        return ["text", "", 1, 1.5, [], ["true"], {}]
    if isinstance(given, dict):
        return [*wrong, "text", 5, [], ["x"]]
    if isinstance(given, int) or path[-1] in ("begin", "end"):
        return [*wrong, "text", "", "1.5", 1.5, True, [], ["5"], {}]
    return [*wrong, 5, 1.5, True, [], ["x"], ["x", "y"], {}, {"a": 1}]


def places_of_one_kind(everything: dict[str, Any]) -> list[nested_lines.Path]:
    """The places of a full line at which values of another kind are invalid, without the line itself."""
    return [path for path in places(everything, object) if json_path(path) not in KEPT_WHOLE][1:]


@pytest.mark.slow
@pytest.mark.parametrize("with_every_value", [False, pytest.param(True, marks=pytest.mark.long)])
def test_value_of_another_kind_is_refused_in_every_place(
    session: DuckDBPyConnection, stage: Stage, report: Report, everything: dict[str, Any], with_every_value: bool
) -> None:
    wrong: list[tuple[nested_lines.Path, Any]] = []
    for number, path in enumerate(places_of_one_kind(everything)):
        values = invalid_values_for(path, at(everything, path))
        wrong += [(path, value) for value in (values if with_every_value else [values[number % len(values)]])]
    # A good line before each bad one.
    lines = [line for path, value in wrong for line in (everything, changed(everything, path, value))]
    assert stage(*map(json.dumps, lines)).lines == 2 * len(wrong)
    read_all_the_same = {*range(2, 2 * len(wrong) + 1, 2)} - {number for number, _ in refused(session)}
    assert [wrong[number // 2 - 1] for number in read_all_the_same] == []
    assert len(refused(session)) == len(staged(session, report)) == len(wrong)


@pytest.mark.slow
@few_or_many
def test_single_value_of_another_kind_is_refused_at_any_depth(
    session: DuckDBPyConnection, stage: Stage, report: Report, everything: dict[str, Any], count: int
) -> None:
    # A quoted number is valid, and must not offset an invalid one in the counts.
    quoted = changed(everything, next(places(everything, int)), "5")

    @examples(count)
    @given(st.data())
    def is_refused(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(places_of_one_kind(everything)))
        value = data.draw(st.sampled_from(invalid_values_for(path, at(everything, path))))
        result = stage(json.dumps(quoted), json.dumps(changed(everything, path, value)), json.dumps(everything))
        assert [number for number, _ in refused(session)] == [2]
        assert (result.lines, len(staged(session, report))) == (3, 2)

    is_refused()


BAD_LINES: dict[str, tuple[str | bytes, str]] = {
    "malformed": ('{"accession":}', NOT_JSON),
    "no JSON at all": ("<html>Service unavailable</html>", NOT_JSON),
    "two objects": ('{"accession":"PX8.1"} {"accession":"PX9.1"}', NOT_JSON),
    "array": ("[]", "not a JSON object but ARRAY"),
    "null": ("null", "not a JSON object but NULL"),
    "field given twice": ('{"accession":"PX8.1","accession":"PX9.1"}', "$: a field is given twice"),
    "invalid UTF-8": (b'{"accession":"\xff"}', "not UTF-8 at byte 14"),
    "NUL": (b'{"accession":"PX9.1"\0}', "holds a NUL byte"),
    "no accession": ("{}", "accession: absent"),
    "accession null": ('{"accession":null}', "accession: absent"),
    "accession that is a list": ('{"accession":["a"]}', 'accession: ["a"] is not a text'),
}

BAD_ANNOTATION: dict[str, tuple[str | bytes, str]] = {
    "accession without a version": ('{"accession":"PX9"}', "accession: not of the form accession.version"),
    "accession with too large a version": (
        '{"accession":"PX9.9999999999"}',
        "accession: not of the form accession.version",
    ),
    "nested field given twice": (
        '{"accession":"PX9.1","genes":[{"cds":[]},{"cds":[{"name":"a","name":"b"}]}]}',
        "$.genes[1].cds[0]: a field is given twice",
    ),
    "gene that is a text": ('{"accession":"PX9.1","genes":["a"]}', 'genes[0]: "a" is not an object'),
    "gene that is null": ('{"accession":"PX9.1","genes":[null]}', "genes[0]: null is not an object"),
    "genes that are no list": ('{"accession":"PX9.1","genes":{"a":1}}', 'genes: {"a":1} is not a list'),
    "fraction": ('{"accession":"PX9.1","genes":[{"geneId":1.5}]}', "genes[0].geneId: 1.5 is not a whole number"),
    "number in quotes of its own": (
        r'{"accession":"PX9.1","genes":[{"nucleotide":{"range":[{"begin":"\"5\""}]}}]}',
        r'genes[0].nucleotide.range[0].begin: "\"5\"" is not a whole number',
    ),
    "two faults": (
        '{"accession":"PX9.1","isolateName":5,"genes":[{"cds":[{"protein":{"range":[{"begin":"one"}]}}]}]}',
        'genes[0].cds[0].protein.range[0].begin: "one" is not a whole number; isolateName: 5 is not a text',
    ),
    "synonym that is null": (
        '{"accession":"PX9.1","genes":[{"cds":[{"otherNames":["a",null]}]}]}',
        "genes[0].cds[0].otherNames[1]: null is not a text",
    ),
}

BAD_BIOSAMPLE: dict[str, tuple[str | bytes, str]] = {
    "accession of another form": ('{"accession":"SAMN 1"}', "accession: not one of BioSample"),
    **{
        f"bad {path}": (json.dumps({"accession": "SAMN9", **fields}), f"{path}: not a time")
        for path, fields in {
            "status.when": {"status": {"when": "soon"}},
            "submissionDate": {"submissionDate": "2022-02-30T00:00:00.000"},
            "publicationDate": {"publicationDate": "infinity"},
            "lastUpdated": {"lastUpdated": ""},
        }.items()
    },
    "attribute that is a text": ('{"accession":"SAMN9","attributes":["a"]}', 'attributes[0]: "a" is not an object'),
    "tax id in words": (
        '{"accession":"SAMN9","description":{"organism":{"taxId":"ten"}}}',
        'description.organism.taxId: "ten" is not a whole number',
    ),
}


def bad_lines(report: Report) -> dict[str, tuple[str | bytes, str]]:
    return BAD_LINES | {"annotation_report": BAD_ANNOTATION, "biosample_report": BAD_BIOSAMPLE}.get(report.name, {})


def test_bad_lines_are_quarantined_and_good_ones_are_read_in_order(
    session: DuckDBPyConnection, stage: Stage, report: Report
) -> None:
    lines: list[str | bytes] = [""]
    expected = []
    for number, (content, reason) in enumerate(bad_lines(report).values()):
        lines += [content, named(report, number)]
        encoded = content.encode() if isinstance(content, str) else content
        raw = encoded.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
        expected.append((report.name, 2 * number + 2, reason, raw, hashlib.sha256(encoded).hexdigest()))
    assert stage(*lines).lines == len(lines) - 1
    assert refused(session, "*") == expected
    good = [json.loads(named(report, number))["accession"] for number in range(len(expected))]
    assert staged(session, report) == [accession.removesuffix(".1") for accession in good]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        pytest.param(kind, bad, marks=[] if number % 7 == 5 else [pytest.mark.long])
        for kind, (report, _) in REPORTS.items()
        for number, bad in enumerate(bad_lines(report))
    ],
    indirect=["kind"],
)
def test_single_bad_line_is_quarantined(session: DuckDBPyConnection, stage: Stage, report: Report, bad: str) -> None:
    content, reason = bad_lines(report)[bad]
    assert stage(named(report, 1), content, named(report, 2)).lines == 3
    assert refused(session) == [(2, reason)]
    assert len(staged(session, report)) == 2


def test_lines_can_be_refused_later(session: DuckDBPyConnection, stage: Stage, report: Report) -> None:
    result = stage("", "{", named(report, 1), "", named(report, 2), named(report, 3))
    session.execute("CREATE OR REPLACE TEMP TABLE refused_row AS SELECT 5::BIGINT AS line_number, 'so it is' AS reason")
    result.refuse_lines(session)
    assert refused(session, "line_number, reason, raw")[1:] == [(5, "so it is", named(report, 2))]


def test_drift_is_reported_for_good_lines_but_not_for_bad_ones(
    session: DuckDBPyConnection, stage: Stage, report: Report
) -> None:
    stage("{", named(report, 1, new=1), named(report, 2, accession=5, newer=1), named(report, 3, new=2))
    assert drift(session) == [("$.new", 2, "1")]
    assert [number for number, _ in refused(session)] == [1, 3]


def test_numbers_may_be_quoted_or_not(
    session: DuckDBPyConnection, stage: Stage, report: Report, everything: dict[str, Any]
) -> None:
    other = everything
    for path in places(everything, int):
        other = changed(other, path, str(at(everything, path)))
    for path in places(everything, str):
        if path[-1] in ("begin", "end"):
            other = changed(other, path, int(at(everything, path)))
    stage(json.dumps(everything), json.dumps(other))
    assert (refused(session), drift(session)) == ([], [])
    hashes = session.execute(f"SELECT DISTINCT {HASHES_OF[report.name]} FROM {report.name}").fetchall()
    assert len(hashes) == 1


def test_new_value_of_any_depth_is_not_inspected_further(
    session: DuckDBPyConnection, stage: Stage, report: Report
) -> None:
    deep = 100_000
    new = named(report, 1, new=0).replace("0", "[" * deep + "]" * deep)
    stage(new, named(report, 2))
    [(path, occurrences, sample)] = drift(session)
    assert (path, occurrences, sample) == ("$.new", 1, "[" * 200)


@pytest.mark.parametrize("kind", ["biosample"], indirect=True)
def test_ignored_fields_are_not_drift(session: DuckDBPyConnection, stage: Stage, report: Report) -> None:
    organism = {"sciName": "x", "commonName": "y", "lineage": [{"taxId": 1, "name": "root"}], "strain": "z"}
    stage(named(report, 1, description={"organism": organism}))
    assert (refused(session), drift(session), len(staged(session, report))) == ([], [], 1)


PART_SIZES = (
    "reports.parts.FIRST_PART_BYTES",
    "reports.reading.PART_BYTES",
    "reports.reading.DEEP_PART_BYTES",
    "reports.report_file._CHUNK_BYTES",
)


@pytest.mark.slow
@pytest.mark.parametrize("others", [{}, {21: "{", 22: ""}], ids=["good", "bad lines among them"])
@pytest.mark.parametrize("threads", some_of([1, 2, 3], one_in=3, first=1))
def test_lines_keep_their_order_with_any_number_of_threads(
    session: DuckDBPyConnection,
    stage: Stage,
    report: Report,
    inspected_files: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
    others: dict[int, str],
) -> None:
    monkeypatch.setenv("VIRUS_THREADS", str(threads))
    for size in PART_SIZES:
        monkeypatch.setattr(f"virus_warehouse.{size}", 200)
    lines = {number: named(report, number) for number in range(1, 50)} | others
    assert stage(*lines.values()).lines == sum(text != "" for text in lines.values())
    rows = session.execute(f"SELECT line_number, accession FROM {report.name} ORDER BY line_number").fetchall()
    assert rows == [
        (number, json.loads(text)["accession"].removesuffix(".1"))
        for number, text in lines.items()
        if number not in others
    ]
    assert refused(session) == [(number, NOT_JSON) for number, text in others.items() if text]
    assert len(inspected_files) <= len(others)


@pytest.mark.slow
@pytest.mark.parametrize("has_bad_line", [False, True])
def test_report_in_many_parts_is_read_as_one(
    session: DuckDBPyConnection,
    stage: Stage,
    report: Report,
    everything: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_bad_line: bool,
) -> None:
    for size in PART_SIZES:
        monkeypatch.setattr(f"virus_warehouse.{size}", 4000)
    lines = [named(report, number, new=number) if number % 7 == 0 else json.dumps(everything) for number in range(25)]
    lines[15:15] = ["", "{"] if has_bad_line else []
    assert stage(*lines).lines == 25 + has_bad_line
    numbers = [number for (number,) in session.execute(f"SELECT line_number FROM {report.name} ORDER BY 1").fetchall()]
    assert numbers == [number for number, text in enumerate(lines, start=1) if len(text) > 1]
    assert refused(session) == ([(17, NOT_JSON)] if has_bad_line else [])
    assert drift(session) == [("$.new", 4, "0")]


def test_empty_report_has_no_lines(session: DuckDBPyConnection, stage: Stage, report: Report) -> None:
    assert stage().lines == 0
    assert staged(session, report) == refused(session) == drift(session) == []


def test_next_report_of_a_session_is_independent(session: DuckDBPyConnection, stage: Stage, report: Report) -> None:
    stage(named(report, 1, new=1), "{")
    stage(named(report, 2))
    assert (len(staged(session, report)), refused(session), drift(session)) == (1, [], [])


@pytest.mark.parametrize("kind", ["annotation", "biosample"], indirect=True)
def test_hash_changes_with_every_kept_value(
    session: DuckDBPyConnection, stage: Stage, report: Report, everything: dict[str, Any]
) -> None:
    ignored = {"seqId", "title"} if report is ANNOTATION_REPORT else set()
    leaves = [path for path in places(everything, (str, int)) if path[-1] not in ignored]
    others = [changed(everything, path, another(path, at(everything, path))) for path in leaves]
    others += [
        nested_lines.without(everything, path)
        for path in leaves
        if isinstance(path[-1], str) and path != ("accession",)
    ]
    stage(json.dumps(everything), *map(json.dumps, others))
    assert refused(session) == []
    column = HASHES_OF[report.name]
    hashes = [row[0] for row in session.execute(f"SELECT {column} FROM {report.name} ORDER BY line_number").fetchall()]
    assert len(hashes) == len(others) + 1
    assert len(set(hashes)) == len(hashes)


def another(path: nested_lines.Path, value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    if path[-1] in ("begin", "end"):
        return value + "1"
    if value.endswith((".453", ".000", ".220")):
        return value[:-1] + "9"
    return value + "1"


@pytest.mark.parametrize("kind", ["annotation", "biosample"], indirect=True)
def test_hash_is_stable(session: DuckDBPyConnection, stage: Stage, report: Report, everything: dict[str, Any]) -> None:
    # Different values here would make every annotation or BioSample of every warehouse a revision.
    stage(json.dumps(everything), named(report, 1))
    column = HASHES_OF[report.name]
    hashes = [row[0] for row in session.execute(f"SELECT {column} FROM {report.name} ORDER BY line_number").fetchall()]
    assert hashes == HASHES[report.name]


HASHES: dict[str, list[int]] = {
    "annotation_report": [2_133_679_182_169_849_173, 4_888_523_592_021_894_536],
    "biosample_report": [10_727_299_144_824_821_134, 14_571_034_326_386_525_776],
}


@needs_genuine_records
def test_genuine_lines_are_read_in_one_pass(
    session: DuckDBPyConnection, stage: Stage, inspected_files: list[Path], report: Report
) -> None:
    files = {"annotation_report": ANNOTATION_REPORT_SHAPES, "biosample_report": BIOSAMPLE_REPORT_SHAPES}
    file = files.get(report.name, SARS_COV_2_REPORT)
    lines = file.read_bytes().splitlines()
    assert stage(*lines).lines == len(lines)
    assert (refused(session), drift(session), len(staged(session, report))) == ([], [], len(lines))
    assert inspected_files == []
