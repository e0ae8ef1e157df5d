from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.sources import Source, SourceError, SourcesFile, read_sources, valid_sources

Write = Callable[[str | bytes], Path]

GOOD = "  good: {taxon: 10244}\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    def write_file(text: str | bytes) -> Path:
        path = tmp_path / "followed.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        monkeypatch.setenv("VIRUS_SOURCES", str(path))
        return path

    return write_file


def error_of_bad_source(path: Path, name: str = "bad") -> str:
    """The error of the only bad source in a file whose other source is valid."""
    read = read_sources(path)
    assert list(read.sources) == ["good"]
    assert list(read.errors) == [name]
    return str(read.errors[name])


@pytest.mark.parametrize(
    ("entry", "key", "expected"),
    [
        ("{taxon: 1, hosts: human}", "hosts", ["unknown key", "a source may set", " host,"]),
        ("{taxon: 1, aux_report: [ANNOTATION]}", "aux_report", ["unknown key", "aux_reports"]),
        ("{taxon: 1, updated_since: 2025-01-01}", "updated_since", ["unknown key"]),
        ("{taxon: 1, name: x}", "name", ["unknown key"]),
        ("{taxon: 1, aux_reports: [BIOSAMPLE]}", "aux_reports", ["BIOSAMPLE", "did you mean BIOSAMPLE_REPORT?"]),
        ("{taxon: 1, aux_reports: 'ANNOTATION, BIOSAMPLE_REPORT'}", "aux_reports", ["allowed is a list"]),
        ("{taxon: 1, released_since: 2025-13-45}", "released_since", ["2025-13-45", "ISO 8601"]),
        ("{taxon: 1, released_since: 2025-01-01T99:00:00Z}", "released_since", ["ISO 8601"]),
        ("{taxon: 1, released_since: soon}", "released_since", ["'soon'", "ISO 8601"]),
        ("{taxon: 1, taxon: 2}", "taxon", ["given twice", "on lines 2 and 2"]),
        ("{host: human}", "taxon", ["absent"]),
        ("{taxon: [1]}", "taxon", ["[1]", "quotes"]),
        ("{taxon: '-1'}", "taxon", ["positive NCBI Taxonomy ID"]),
        ("{taxon: 1, usa_state: California}", "usa_state", ["two-letter"]),
        ("{taxon: 1, complete_only: perhaps}", "complete_only", ["true and false"]),
        ("{taxon: 1, schedule: daily}", "schedule", ["'daily'", "0 6 * * *"]),
        ("{taxon: 1, schedule: 6}", "schedule", ["not 6"]),
        ("{taxon: 1, lookback_days: -1}", "lookback_days", ["-1"]),
        ("{taxon: 1, retention_days: 0}", "retention_days", ["not 0"]),
        ("{taxon: 1, max_missing: 5}", "max_missing", ["not 5"]),
        ("{taxon: 1, allow_empty: perhaps}", "allow_empty", ["not 'perhaps'"]),
        ("{taxon: 1, max_shrinkage: 5}", "max_shrinkage", ["not 5"]),
        ("{taxon: 1, max_quarantined: all}", "max_quarantined", ["not 'all'"]),
        ("{taxon: 1, max_odd_dates: -0.1}", "max_odd_dates", ["not -0.1"]),
        ("{taxon: 1, future_days: null}", "future_days", ["not None"]),
        ("{taxon: 1, earliest_collection_date: 1900}", "earliest_collection_date", ["1900", "ISO 8601"]),
        ("{taxon: 1, stale_after_days: 0}", "stale_after_days", ["not 0"]),
    ],
)
def test_bad_key_gives_one_line_that_names_file_source_and_key(
    write: Write, entry: str, key: str, expected: list[str]
) -> None:
    path = write(f"sources:\n  bad: {entry}\n{GOOD}")
    error = error_of_bad_source(path)
    assert error.startswith(f"{path}: source 'bad': key '{key}': ")
    assert "\n" not in error
    for text in expected:
        assert text in error


@pytest.mark.parametrize("entry", ["", "10244", "[10244]"])
def test_source_that_is_not_a_mapping_is_refused_with_the_expected_form(write: Write, entry: str) -> None:
    path = write(f"sources:\n  bad: {entry}\n{GOOD}")
    assert error_of_bad_source(path) == f"{path}: source 'bad': not a mapping of keys such as taxon: 10244"


def test_two_sources_of_one_name_are_refused_both_with_their_lines(write: Write) -> None:
    path = write(f"sources:\n  bad: {{taxon: 1}}\n{GOOD}  bad: {{taxon: 2}}\n")
    assert error_of_bad_source(path) == f"{path}: source 'bad': given twice, on lines 2 and 4; rename one"


@pytest.mark.parametrize("name", ["Mpox", "mpox-2022", "2mpox", "mpox virus", "../mpox"])
def test_invalid_source_name_is_refused(write: Write, name: str) -> None:
    path = write(f"sources:\n  '{name}': {{taxon: 1}}\n{GOOD}")
    error = error_of_bad_source(path, name)
    assert error.startswith(f"{path}: source '{name}': the name of the source: '{name}' is not allowed; ")
    assert "small letters, digits and _" in error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# nothing yet\n", "the file is empty"),
        ("sources: {}\n", "no sources; add at least one under 'sources'"),
        ("sources:\n", "no sources"),
        ("sources: [mpox]\n", "no sources"),
        ("mpox\n", "not a mapping with the keys 'defaults' and 'sources'"),
        (f"source:\n{GOOD}", "unknown key 'source'"),
        (f"1: x\na: y\nsources:\n{GOOD}", "unknown key '1'"),
        (f"sources:\n{GOOD}sources:\n{GOOD}", "key 'sources': given twice, on lines 1 and 3"),
        ("sources:\n  mpox: {taxon: 1\n", "near line 3"),
        ("sources:\n\tmpox: {taxon: 1}\n", "near line 2"),
        ("sources:\n  mpox: {taxon: 1, [host]: human}\n", "near line 2"),
        ("sources:\n  mpox: !!python/name:os.system {}\n", "near line 2"),
        ("sources:\n  mpox: {taxon: 1, host: \x01}\n", "unacceptable character #x0001"),
        (b"sources:\n  mpox: {taxon: 1, geo_location: Per\xfa}\n", "not UTF-8 at byte 45"),
        (f"defaults: {{host: human}}\nsources:\n{GOOD}", "defaults: key 'host': unknown key"),
        (f"defaults: {{lookback_days: -1}}\nsources:\n{GOOD}", "defaults: key 'lookback_days': "),
        (f"defaults: {{schedule: daily}}\nsources:\n{GOOD}", "defaults: key 'schedule': schedule is 'daily'"),
        (f"defaults: {{schedule: x, schedule: y}}\nsources:\n{GOOD}", "defaults: key 'schedule': given twice"),
        (f"defaults: [14]\nsources:\n{GOOD}", "defaults: not a mapping"),
    ],
)
def test_invalid_file_gives_one_line_that_names_it(write: Write, text: str | bytes, message: str) -> None:
    path = write(text)
    with pytest.raises(SourceError) as refused:
        read_sources()
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert valid_sources() == []


def test_missing_file_error_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.yaml: cannot be read .*set VIRUS_SOURCES"):
        read_sources(tmp_path / "absent.yaml")


def test_source_is_found_by_name_or_the_reason_is_reported(write: Write) -> None:
    read = read_sources(write(f"sources:\n  bad: {{}}\n{GOOD}"))
    assert read.source("good").request.taxon == "10244"
    with pytest.raises(SourceError, match="key 'taxon': absent"):
        read.source("bad")
    with pytest.raises(SourceError, match="no source is named 'mpox'; the file has bad, good"):
        read.source("mpox")
    assert [source.name for source in valid_sources()] == ["good"]


def test_every_filter_of_the_endpoint_can_be_set(write: Write) -> None:
    path = write(
        "sources:\n"
        "  everything:\n"
        "    taxon: 2697049\n"
        "    refseq_only: true\n"
        "    annotated_only: true\n"
        "    released_since: 2025-01-01\n"
        "    host: human\n"
        "    pangolin_classification: LP.8.1\n"
        "    geo_location: USA\n"
        "    usa_state: CA\n"
        "    complete_only: true\n"
        "    aux_reports: [BIOSAMPLE_REPORT, ANNOTATION]\n"
        "    use_psg: true\n"
        "    schedule: '30 5 * * 1'\n"
        "    lookback_days: 7\n"
        "    retention_days: 30\n"
        "    allow_empty: true\n"
        "    max_missing: 0.2\n"
    )
    source = read_sources(path).source("everything")
    assert source.request == VirusGenomeRequest(
        taxon="2697049",
        refseq_only=True,
        annotated_only=True,
        released_since=date(2025, 1, 1),
        host="human",
        pangolin_classification="LP.8.1",
        geo_location="USA",
        usa_state="CA",
        complete_only=True,
        aux_report=("ANNOTATION", "BIOSAMPLE_REPORT"),
        use_psg=True,
    )
    own = (source.schedule, source.lookback_days, source.retention_days, source.allow_empty, source.max_missing)
    assert own == ("30 5 * * 1", 7, 30, True, 0.2)


def test_file_defaults_override_built_in_ones_and_sources_override_both(write: Write) -> None:
    read = read_sources(
        write("defaults: {lookback_days: 3}\nsources:\n  a: {taxon: 1}\n  b: {taxon: 1, lookback_days: 1}\n")
    )
    assert (read.sources["a"].lookback_days, read.sources["b"].lookback_days) == (3, 1)
    assert (read.sources["a"].schedule, read.sources["a"].retention_days) == ("0 6 * * *", 90)


def test_yaml_anchors_may_share_filters(write: Write) -> None:
    read = read_sources(
        write("sources:\n  a: &human {taxon: 1, host: human}\n  b: {<<: *human, taxon: 2}\n  c: *human\n")
    )
    assert read.errors == {}
    assert [(source.request.taxon, source.request.host) for source in read.sources.values()] == [
        ("1", "human"),
        ("2", "human"),
        ("1", "human"),
    ]


class TestFingerprint:
    def fingerprint(self, *, followed: dict[str, Any] | None = None, **asked: Any) -> str:
        request = VirusGenomeRequest(**{"taxon": "10244", **asked})
        return Source(name="mpox", request=request, **(followed or {})).fingerprint

    def test_is_stable(self) -> None:
        # A different value here would cause a full reload of every source of every user.
        assert self.fingerprint(aux_report=["ANNOTATION"], released_since=date(2025, 1, 1)) == "a53fbb2fba0ebe99"

    @pytest.mark.parametrize(
        "asked",
        [
            {"taxon": "10245"},
            {"refseq_only": True},
            {"annotated_only": True},
            {"released_since": "2025-01-01"},
            {"host": "human"},
            {"pangolin_classification": "B.1"},
            {"geo_location": "USA"},
            {"usa_state": "CA"},
            {"complete_only": True},
            {"aux_report": ["ANNOTATION"]},
            {"include_sequence": ["GENOME"]},
        ],
    )
    def test_changes_with_filters_reports_and_sequences(self, asked: dict[str, Any]) -> None:
        assert self.fingerprint(**asked) != self.fingerprint()

    @pytest.mark.parametrize(
        "asked",
        [
            {"taxon": 10244},
            {"updated_since": "2025-01-01"},
            {"include_sequence": ["NONE"]},
            {"filename": "mpox.zip"},
            {"host": None},
            {"complete_only": False},
        ],
    )
    def test_does_not_change_with_equivalent_filters(self, asked: dict[str, Any]) -> None:
        assert self.fingerprint(**asked) == self.fingerprint()

    def test_does_not_change_with_how_a_source_is_followed(self) -> None:
        followed = {
            "schedule": "0 7 * * *",
            "lookback_days": 1,
            "retention_days": 1,
            "allow_empty": True,
            "max_missing": 1,
        }
        assert self.fingerprint(followed=followed) == self.fingerprint()

    def test_does_not_depend_on_the_order_of_reports(self) -> None:
        reports = ["ANNOTATION", "BIOSAMPLE_REPORT"]
        assert self.fingerprint(aux_report=reports) == self.fingerprint(aux_report=reports[::-1])


def test_sources_of_this_repository_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRUS_SOURCES", raising=False)
    read = read_sources()
    assert isinstance(read, SourcesFile)
    assert read.errors == {}
    assert read.sources


def test_null_disables_a_publication_gate(write: Write) -> None:
    gates = ("max_shrinkage", "max_quarantined", "max_odd_dates", "stale_after_days")
    entry = ", ".join(f"{gate}: null" for gate in gates)
    source = read_sources(
        write(f"sources:\n  mpox: {{taxon: 10244, earliest_collection_date: 1700-01-01, {entry}}}\n")
    ).source("mpox")
    assert [getattr(source, gate) for gate in gates] == [None] * 4
    assert source.earliest_collection_date == date(1700, 1, 1)
