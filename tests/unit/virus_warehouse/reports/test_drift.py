"""New fields in a report are detected at any depth, and a report without any is read only once."""

import copy
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.genuine import PACKAGE, SARS_COV_2_REPORT, needs_genuine_records
from tests.support.warehouses import MPOX_ORGANISM, line, lineage, report, stage_bytes
from tests.unit.virus_warehouse.reports.test_data_report import EVERYTHING
from virus_warehouse.reports import reading
from virus_warehouse.session import private_session

Drift = Callable[..., list[tuple[Any, ...]]]

OBJECTS = ["", "host", "virus", "isolate", "location", "nucleotide", "submitter", "virus.infraspecificNames"]
NAMES = st.sampled_from(["new", "Accession", "a b", "ä", "x/y", "x~y", 'quo"te', "back\\slash", "", "taxID"])
VALUES = st.one_of(
    st.text(max_size=5), st.integers(), st.booleans(), st.just({"deep": [{"er": "x"}]}), st.lists(st.text(max_size=3))
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    (tmp_path / "spill").mkdir()
    with private_session(tmp_path / "spill") as connection:
        yield connection


@pytest.fixture
def sql_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQL files that staging runs, in order."""
    run, names = reading.run_sql, []

    def run_and_print(connection: DuckDBPyConnection, name: str, *others: Any) -> DuckDBPyConnection:
        names.append(name.removeprefix("reports/"))
        return run(connection, name, *others)

    monkeypatch.setattr(reading, "run_sql", run_and_print)
    return names


@pytest.fixture
def drift(session: DuckDBPyConnection, tmp_path: Path) -> Drift:
    def drift_of(*lines: str | bytes) -> list[tuple[Any, ...]]:
        stage_bytes(session, tmp_path, report(lines))
        return session.execute("SELECT path, occurrences, sample FROM drift ORDER BY path").fetchall()

    return drift_of


def with_member(path: str, name: str, value: Any) -> dict[str, Any]:
    """A record with every known field and one unknown field."""
    fields = copy.deepcopy(EVERYTHING)
    target = fields
    for step in filter(None, path.split(".")):
        target = target[step]
    target[name] = value
    return fields


def test_unknown_name_is_found_at_any_depth_with_its_count_and_a_sample(drift: Drift) -> None:
    new_in_lineage = lineage((1, "root"))[0] | {"rank": "no rank"}
    found = drift(
        line("PX1.1"),
        line("PX2.1", subtype="H5N1"),
        line("PX3.1", subtype="H5N1", isolate={"name": "a", "depth": 30}),
        line("PX4.1", virus={**MPOX_ORGANISM, "baltimore": {"class": "I"}}),
        line("PX5.1", virus={**MPOX_ORGANISM, "lineage": [new_in_lineage, new_in_lineage]}),
        line("PX6.1", host={"infraspecificNames": {"tribe": "x"}}),
    )
    assert found == [
        ("$.host.infraspecificNames.tribe", 1, '"x"'),
        ("$.isolate.depth", 1, "30"),
        ("$.subtype", 2, '"H5N1"'),
        ("$.virus.baltimore", 1, '{"class":"I"}'),
        ("$.virus.lineage[*].rank", 2, '"no rank"'),
    ]


def test_refused_line_is_kept_verbatim_with_its_lineages(drift: Drift, session: DuckDBPyConnection) -> None:
    new, wrong = line("PX1.1", new=1), line("PX2.1", length="long", host={**MPOX_ORGANISM})
    assert drift(line("PX3.1"), new, wrong) == [("$.new", 1, "1")]
    assert session.execute("SELECT line_number, raw FROM quarantined_line").fetchall() == [(3, wrong)]
    assert session.execute("SELECT count(*) FROM lineage_folded").fetchone() == (1,)


def test_lineage_in_an_unknown_field_is_reported_verbatim(drift: Drift, session: DuckDBPyConnection) -> None:
    steps = MPOX_ORGANISM["lineage"]
    given = json.dumps(steps, separators=(",", ":"))
    found = drift(
        line("PX1.1", lineage=steps), line("PX2.1", new={"lineage": steps}), line("PX3.1", host=[MPOX_ORGANISM])
    )
    assert found == [("$.lineage", 1, given[:200]), ("$.new", 1, f'{{"lineage":{given}}}'[:200])]
    [reason] = session.execute("SELECT reason FROM quarantined_line").fetchall()[0]
    assert reason == f"host: {json.dumps([MPOX_ORGANISM], separators=(',', ':'))[:80]} is not an object"


def test_many_odd_lines_are_inspected_in_batches(
    drift: Drift, monkeypatch: pytest.MonkeyPatch, session: DuckDBPyConnection
) -> None:
    monkeypatch.setattr(reading, "_LOOKED_AT_ONCE", 1000)
    lines = [line(f"PX{number}.1", new=number) for number in range(1, 30)]
    lines[7], lines[20] = "{", line("PX21.1", new=21, length="long")
    assert drift(*lines) == [("$.new", 27, "1")]
    assert session.execute("SELECT line_number FROM quarantined_line ORDER BY 1").fetchall() == [(8,), (21,)]
    numbers = session.execute("SELECT line_number FROM data_report ORDER BY 1").fetchall()
    assert numbers == [(number,) for number in range(1, 30) if number not in (8, 21)]


def test_names_are_case_sensitive(drift: Drift, session: DuckDBPyConnection) -> None:
    assert drift(line("PX1.1", Length=5, isolate={"Name": "x"})) == [("$.Length", 1, "5"), ("$.isolate.Name", 1, '"x"')]
    assert session.execute("SELECT length, isolate_name FROM data_report").fetchall() == [(197209, None)]


def test_renamed_key_is_reported_even_if_its_record_is_refused(drift: Drift, session: DuckDBPyConnection) -> None:
    assert drift('{"Accession":"PX1.1"}') == [("$.Accession", 1, '"PX1.1"')]
    assert session.execute("SELECT reason FROM quarantined_line").fetchall() == [("accession: absent",)]


def test_deprecated_names_and_nulls_are_not_drift(drift: Drift) -> None:
    assert drift('{"accession":"PX1.1","isComplete":true,"nucleotideCompleteness":"complete","segment":null}') == []
    assert (
        drift('{"accession":"PX1.1","virus":{"sciName":"x"},"host":{"sciName":"x"},"nucleotide":{"title":"x"}}') == []
    )


def test_drift_is_reported_along_with_bad_lines(drift: Drift, session: DuckDBPyConnection) -> None:
    assert drift("{", line("PX1.1", new=1), line("PX2.1", length=1.5, newer=1)) == [("$.new", 1, "1")]
    assert session.execute("SELECT line_number FROM quarantined_line ORDER BY 1").fetchall() == [(1,), (3,)]


def test_report_without_drift_is_read_once(drift: Drift, sql_files: list[str]) -> None:
    begin = ["nothing_found.sql", "hashed.sql", "data_report.sql", "lineage_folded.sql", "hashed.sql"]
    closer = ["report_lines.sql", "closer_look.sql", "refused_rows.sql"]
    finish = ["lineage_given.sql", "places.sql", "free_texts.sql", "taxonomy.sql", "drift_in_all.sql"]
    tricky = line("PX1.1", labHost='a "quoted": text, \\ and \\" and "', isolate={"name": "x:\"'{}[]\\"})
    assert drift(json.dumps(EVERYTHING), line("PX2.1"), tricky, '{"accession":"PX3.1"}') == []
    assert sql_files == [*begin, *finish]
    for inspected in (line("PX1.1", new=1), line("PX1.1", labHost=":"), line("PX1.1", labHost="[a")):
        sql_files.clear()
        drift(line("PX2.1"), inspected)
        assert sql_files == [*begin, *closer, *finish]


@pytest.mark.slow
def test_only_lines_with_unread_content_are_inspected(
    drift: Drift, monkeypatch: pytest.MonkeyPatch, session: DuckDBPyConnection
) -> None:
    seen: list[int] = []
    original = reading.describe_lines

    def describe(path: Path, *others: Any) -> int:
        lines = original(path, *others)
        seen.append(lines)
        return lines

    monkeypatch.setattr(reading, "describe_lines", describe)
    lines = [line(f"PX{number}.1", host={"organismName": "Aves", "taxId": 8782}) for number in range(1, 3000)]
    lines[1000] = line("PX1001.1", isolate={"name": "[Pakistan:17-5:06] Lahore6"})
    lines[2000] = line("PX2001.1", new=1)
    lines[2500] = line("PX2501.1", labHost=["a"])
    assert drift(*lines) == [("$.new", 1, "1")]
    assert seen == [3]
    assert session.execute("SELECT line_number FROM quarantined_line").fetchall() == [(2501,)]
    names = "SELECT isolate_name FROM data_report WHERE isolate_name IS NOT NULL"
    assert session.execute(names).fetchall() == [("[Pakistan:17-5:06] Lahore6",)]
    # A line that stops the reader is found by splitting the report, and few other lines are inspected with it.
    seen.clear()
    lines[1500] = '{"accession":'
    drift(*lines)
    assert session.execute("SELECT line_number FROM quarantined_line ORDER BY 1").fetchall() == [(1501,), (2501,)]
    assert sum(seen) < 1500


@pytest.mark.slow
def test_tally_is_exact_wherever_the_bytes_are_split(
    drift: Drift, sql_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tricky = line("PX1.1", labHost='\\" "x": \\\\":"', isolate={"name": '\\"'})
    for size in (1, 2, 3, 8):
        monkeypatch.setattr("virus_warehouse.reports.report_file._CHUNK_BYTES", size)
        assert drift(tricky, line("PX2.1", bioprojects=["\\", '"', ""])) == []
    assert "closer_look.sql" not in sql_files


@needs_genuine_records
def test_genuine_records_have_no_drift(drift: Drift, session: DuckDBPyConnection, tmp_path: Path) -> None:
    assert drift(*SARS_COV_2_REPORT.read_bytes().splitlines()) == []
    with zipfile.ZipFile(PACKAGE) as archive:
        assert drift(*archive.read("ncbi_dataset/data/data_report.jsonl").splitlines()) == []
    assert session.execute("FROM quarantined_line").fetchall() == []


@pytest.mark.long  # test_reading.py has such tests of all reports
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.sampled_from(OBJECTS), name=NAMES, value=VALUES, others=st.integers(0, 2))
def test_every_new_name_is_detected(
    session: DuckDBPyConnection, tmp_path: Path, path: str, name: str, value: Any, others: int
) -> None:
    lines = [json.dumps(with_member(path, name, value)), *[json.dumps(EVERYTHING)] * others]
    stage_bytes(session, tmp_path, report(tuple(lines)))
    [(path_found, occurrences)] = session.execute("SELECT path, occurrences FROM drift").fetchall()
    assert (path_found, occurrences) == (".".join(filter(None, ["$", path, name])) + ("." if not name else ""), 1)


@pytest.mark.long  # the same
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sets(st.sampled_from(sorted(EVERYTHING))), max_size=4),
    st.dictionaries(st.sampled_from(["labHost", "segment", "biosample", "molType"]), st.text(max_size=8)),
)
def test_known_names_are_never_reported_as_drift(
    session: DuckDBPyConnection, tmp_path: Path, left_out: list[set[str]], texts: dict[str, str]
) -> None:
    records = [
        {k: v for k, v in (EVERYTHING | texts).items() if k not in names or k == "accession"} for names in left_out
    ]
    assert stage_bytes(session, tmp_path, report(tuple(map(json.dumps, records)))) == len(records)
    assert session.execute("FROM drift").fetchall() == []
