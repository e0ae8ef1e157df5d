import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from tests.support.tiers import some_of
from tests.support.warehouses import line, lineage, record, report, stage_bytes
from virus_warehouse.reports import data_report
from virus_warehouse.reports.report_file import LONGEST_LINE
from virus_warehouse.session import private_session
from virus_warehouse.sql_file import read_sql
from virus_warehouse.warehouse import schema

Stage = Callable[..., int]

EVERYTHING: dict[str, Any] = {
    "accession": "NC_063383.2",
    "bioprojects": ["PRJNA485481", "PRJNA1"],
    "biosample": "SAMN00000001",
    "completeness": "COMPLETE",
    "geneCount": 179,
    "host": {
        "taxId": 9606,
        "organismName": "Homo sapiens",
        "commonName": "human",
        "infraspecificNames": {"breed": "none", "sex": "male"},
        "lineage": lineage((9605, "Homo"), (9606, "Homo sapiens")),
    },
    "isAnnotated": True,
    "isLabHost": True,
    "isVaccineStrain": True,
    "isolate": {"name": "MPXV-M5312_HM12_Rivers", "source": "skin lesion", "collectionDate": "2018-08"},
    "labHost": "Vero E6",
    "length": 197209,
    "location": {
        "geographicLocation": "USA: Wisconsin, DANE County",
        "geographicRegion": "North America",
        "usaState": "WI",
    },
    "maturePeptideCount": 3,
    "molType": "dsDNA",
    "nucleotide": {"sequenceHash": "5F8D9A"},
    "proteinCount": 180,
    "purposeOfSampling": "PURPOSE_OF_SAMPLING_BASELINE_SURVEILLANCE",
    "releaseDate": "2022-07-14T00:00:00Z",
    "segment": "ANONYMOUS",
    "sourceDatabase": "RefSeq",
    "sraAccessions": ["SRR000001", "ERS2"],
    "submitter": {"names": ["Wu,F.", "Zhao,S."], "affiliation": "National Center", "country": "USA"},
    "updateDate": "2025-05-01T00:00:00Z",
    "virus": {
        "taxId": 10244,
        "organismName": "Monkeypox virus",
        "commonName": "mpox virus",
        "strain": "Zaire-96-I-16",
        "infraspecificNames": {"isolate": "a"},
        "pangolinClassification": "B.1",
        "lineage": lineage((10239, "Viruses"), (10244, "Monkeypox virus")),
    },
}

COLUMNS = {
    "accession": "NC_063383",
    "version": 2,
    "accession_version": "NC_063383.2",
    "virus_tax_id": 10244,
    "virus_name": "Monkeypox virus",
    "virus_common_name": "mpox virus",
    "virus_strain": "Zaire-96-I-16",
    "virus_infraspecific_names": '{"isolate":"a"}',
    "pango_lineage": "B.1",
    "host_tax_id": 9606,
    "host_name": "Homo sapiens",
    "host_common_name": "human",
    "host_infraspecific_names": '{"breed":"none","sex":"male"}',
    "isolate_name": "MPXV-M5312_HM12_Rivers",
    "isolate_source": "skin lesion",
    "collection_date": "2018-08",
    "collection_date_min": date(2018, 8, 1),
    "collection_date_max": date(2018, 8, 31),
    "collection_date_precision": "month",
    "geo_location": "USA: Wisconsin, DANE County",
    "country": "USA",
    "country_code": "US",
    "division": "Wisconsin",
    "geo_region": "North America",
    "usa_state": "WI",
    "release_date": date(2022, 7, 14),
    "update_date": date(2025, 5, 1),
    "completeness": "COMPLETE",
    "length": 197209,
    "gene_count": 179,
    "protein_count": 180,
    "mature_peptide_count": 3,
    "is_annotated": True,
    "source_database": "RefSeq",
    "mol_type": "dsDNA",
    "segment": "ANONYMOUS",
    "biosample": "SAMN00000001",
    "bioprojects": ["PRJNA485481", "PRJNA1"],
    "sra_accessions": ["SRR000001", "ERS2"],
    "purpose_of_sampling": "PURPOSE_OF_SAMPLING_BASELINE_SURVEILLANCE",
    "submitter_names": ["Wu,F.", "Zhao,S."],
    "submitter_affiliation": "National Center",
    "submitter_country": "USA",
    "lab_host": "Vero E6",
    "is_lab_host": True,
    "is_vaccine_strain": True,
    "sequence_hash": "5F8D9A",
}

DERIVED = {
    "accession",
    "version",
    "collection_date_min",
    "collection_date_max",
    "collection_date_precision",
    "country",
    "country_code",
    "division",
}
"""Columns that repeat another column of the report."""

OF_THE_WAREHOUSE = {"source", "record_hash", "status", "missing_since", "valid_from", "run_id"}
"""Columns of a record that are not in any report."""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    (tmp_path / "spill").mkdir()
    with private_session(tmp_path / "spill") as connection:
        yield connection


@pytest.fixture
def stage(session: DuckDBPyConnection, tmp_path: Path) -> Stage:
    def stage_lines(*lines: str | bytes) -> int:
        return stage_bytes(session, tmp_path, report(lines))

    return stage_lines


def staged(
    session: DuckDBPyConnection, columns: str = "* EXCLUDE (virus_lineage, host_lineage)"
) -> list[dict[str, Any]]:
    result = session.execute(f"SELECT {columns} FROM with_free_texts('data_report') ORDER BY line_number")
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def refused(session: DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return session.execute("SELECT line_number, reason, raw, raw_sha256 FROM quarantined_line ORDER BY 1").fetchall()


def staged_accessions(session: DuckDBPyConnection) -> list[str]:
    return [row["accession_version"] for row in staged(session, "accession_version")]


class TestFields:
    def test_every_field_becomes_its_column(self, session: DuckDBPyConnection, stage: Stage) -> None:
        assert stage(json.dumps(EVERYTHING)) == 1
        [row] = staged(session)
        assert row.pop("record_hash") > 0
        assert row.pop("line_number") == 1
        assert row == COLUMNS

    def test_line_of_this_test_sets_every_field_that_is_read(self) -> None:
        for name, field in data_report.FIELDS.items():
            given = EVERYTHING[name]
            assert set(field if isinstance(field, dict) else ()) <= set(given if isinstance(given, dict) else ())

    def test_every_column_of_a_record_is_staged_or_the_warehouses_own(self) -> None:
        columns = {column.name for column in schema.virus_genome.columns}
        assert columns - OF_THE_WAREHOUSE == COLUMNS.keys()

    def test_values_omitted_by_protobuf_are_read_as_defaults(self, session: DuckDBPyConnection, stage: Stage) -> None:
        stage('{"accession":"PX1.1"}')
        [row] = staged(session, "* EXCLUDE (record_hash, line_number, virus_lineage, host_lineage)")
        said = {name: value for name, value in row.items() if value is not None}
        assert said == {
            "accession": "PX1",
            "version": 1,
            "accession_version": "PX1.1",
            "completeness": "UNKNOWN",
            "is_annotated": False,
            "is_lab_host": False,
            "is_vaccine_strain": False,
        }

    def test_dates_come_with_a_time_of_day_or_without(self, session: DuckDBPyConnection, stage: Stage) -> None:
        stage('{"accession":"PX1.1","releaseDate":"2025-05-02T23:30:00.500Z","updateDate":"2025-05-02"}')
        [row] = staged(session, "release_date, update_date")
        assert row == {"release_date": date(2025, 5, 2), "update_date": date(2025, 5, 2)}

    def test_unknown_and_deprecated_fields_are_accepted(self, session: DuckDBPyConnection, stage: Stage) -> None:
        stage('{"accession":"PX1.1","new":{"deep":[1]},"sciName":"x","virus":{"sciName":"x","taxId":1}}')
        assert staged(session, "virus_tax_id") == [{"virus_tax_id": 1}]


COLLECTION_DATES: list[tuple[str, date | None, date | None, str | None]] = [
    ("2019-12-30", date(2019, 12, 30), date(2019, 12, 30), "day"),
    ("2015-10-11T17:53:03Z", date(2015, 10, 11), date(2015, 10, 11), "day"),
    ("1952-10-21T11:43Z", date(1952, 10, 21), date(1952, 10, 21), "day"),
    ("1952-10-21T11Z", date(1952, 10, 21), date(1952, 10, 21), "day"),
    ("21-Oct-1952", date(1952, 10, 21), date(1952, 10, 21), "day"),
    ("1-oct-1952", date(1952, 10, 1), date(1952, 10, 1), "day"),
    ("2019-12", date(2019, 12, 1), date(2019, 12, 31), "month"),
    ("2020-02", date(2020, 2, 1), date(2020, 2, 29), "month"),
    ("Oct-1952", date(1952, 10, 1), date(1952, 10, 31), "month"),
    ("2019", date(2019, 1, 1), date(2019, 12, 31), "year"),
    ("21-Oct-1952/15-Feb-1953", date(1952, 10, 21), date(1953, 2, 15), "range"),
    ("2015-10-11T17:53:03Z/2015-10-11T18:00:00Z", date(2015, 10, 11), date(2015, 10, 11), "range"),
    ("2019/2020", date(2019, 1, 1), date(2020, 12, 31), "range"),
    ("2019-12/2020-02-03", date(2019, 12, 1), date(2020, 2, 3), "range"),
    ("2020/2019", None, None, None),
    ("2019/", None, None, None),
    ("2019/missing", None, None, None),
    ("2019/2020/2021", None, None, None),
    ("missing", None, None, None),
    ("not collected", None, None, None),
    ("2019-13", None, None, None),
    ("2019-02-30", None, None, None),
    ("30-Feb-2019", None, None, None),
    ("01/02/2019", None, None, None),
    ("20191230", None, None, None),
    ("1819-1820", None, None, None),
    ("", None, None, None),
    # As long as a day, a month or a year, but not a date.
    ("2019/12/30", None, None, None),
    ("2019/01/xx", None, None, None),
    ("01/2019", None, None, None),
    ("20/2020", None, None, None),
    ("0987", None, None, None),
    ("3019", None, None, None),
    ("x019", None, None, None),
    ("2019-1-2", None, None, None),
    ("2019-1 ", None, None, None),
    ("infinity", None, None, None),
    ("-infinity", None, None, None),
]

PLACES = [
    ("USA: Wisconsin, DANE County", "USA", "Wisconsin"),
    ("United Kingdom:Scotland", "United Kingdom", "Scotland"),
    ("China", "China", None),
    ("China:", "China", None),
    ("Cote d'Ivoire: Abidjan,Cocody", "Cote d'Ivoire", "Abidjan"),
    ("USA: New York: Manhattan", "USA", "New York"),
    ("USA: , Dane", "USA", None),
    (": Wisconsin", None, "Wisconsin"),
    (" ", None, None),
    ("", None, None),
    (None, None, None),
]


class TestDerivedColumns:
    """All forms in one report, because staging dominates the run time."""

    def test_collection_date_is_a_range_of_days_and_kept_verbatim(
        self, session: DuckDBPyConnection, stage: Stage
    ) -> None:
        stage(*(line(isolate={"collectionDate": given}) for given, *_ in COLLECTION_DATES))
        rows = session.execute(
            "SELECT COLUMNS('^collection_date') FROM with_free_texts('data_report') ORDER BY line_number"
        ).fetchall()
        assert rows == COLLECTION_DATES
        assert refused(session) == []

    def test_country_and_division_are_derived_from_the_place(self, session: DuckDBPyConnection, stage: Stage) -> None:
        stage(*(line(location={"geographicLocation": given}) for given, *_ in PLACES))
        rows = session.execute(
            "SELECT geo_location, country, division FROM with_free_texts('data_report') ORDER BY line_number"
        ).fetchall()
        assert rows == PLACES


def hashes_of(session: DuckDBPyConnection, stage: Stage, *records: dict[str, Any]) -> list[int]:
    stage(*map(json.dumps, records))
    assert refused(session) == []
    return [row["record_hash"] for row in staged(session, "record_hash")]


def changed(fields: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a record with another value at a path such as `virus.taxId`."""
    first, _, rest = path.partition(".")
    return {**fields, first: changed(fields.get(first, {}), rest, value) if rest else value}


def paths_of(fields: dict[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, dict) and name != "infraspecificNames":
            yield from (f"{name}.{path}" for path in paths_of(value))
        else:
            yield name


def another(path: str, value: Any) -> Any:
    if path == "accession":
        return "NC_063383.3"
    if path == "releaseDate":
        return "2022-07-15T00:00:00Z"
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return value[::-1]
    if isinstance(value, dict):
        return {**value, "strain": "another"}
    return value + 1 if isinstance(value, int) else value + "x"


HASHED = [path for path in paths_of(EVERYTHING) if not path.endswith("lineage") and path != "updateDate"]


def value_at(path: str) -> Any:
    value: Any = EVERYTHING
    for name in path.split("."):
        value = value[name]
    return value


def hashed_columns() -> list[str]:
    """The columns in the record hash, as the SQL file has them."""
    return re.findall(r"hashed\((?:nullif\(|to_json\()?(\w+)", read_sql("reports/data_report.sql"))


class TestRecordHash:
    def test_is_stable(self, session: DuckDBPyConnection, stage: Stage) -> None:
        # Different values here would make every record of every warehouse a revision.
        assert hashes_of(session, stage, EVERYTHING, {"accession": "PX1.1"}) == [
            13_774_313_963_827_195_836,
            15_422_746_352_655_736_890,
        ]

    def test_does_not_change_with_update_date(self, session: DuckDBPyConnection, stage: Stage) -> None:
        first, second = hashes_of(session, stage, EVERYTHING, EVERYTHING | {"updateDate": "2025-05-02T00:00:00Z"})
        assert first == second

    def test_changes_with_every_other_field(self, session: DuckDBPyConnection, stage: Stage) -> None:
        others = [changed(EVERYTHING, path, another(path, value_at(path))) for path in HASHED]
        hashes = hashes_of(session, stage, EVERYTHING, *others)
        same = [path for path, record_hash in zip(HASHED, hashes[1:], strict=True) if record_hash == hashes[0]]
        assert same == []
        assert len(set(hashes)) == len(hashes)

    def test_changes_when_a_field_is_removed(self, session: DuckDBPyConnection, stage: Stage) -> None:
        fields = [path for path in HASHED if path != "accession"]
        hashes = hashes_of(session, stage, EVERYTHING, *(changed(EVERYTHING, path, None) for path in fields))
        same = [path for path, record_hash in zip(fields, hashes[1:], strict=True) if record_hash == hashes[0]]
        assert same == []
        assert len(set(hashes)) == len(hashes)

    def test_does_not_change_with_the_lineage_or_with_fields_that_are_not_read(
        self, session: DuckDBPyConnection, stage: Stage
    ) -> None:
        others = [changed(EVERYTHING, "virus.lineage", []), EVERYTHING | {"new": 1}]
        assert len(set(hashes_of(session, stage, EVERYTHING, *others))) == 1

    def test_does_not_change_when_a_default_is_explicit(self, session: DuckDBPyConnection, stage: Stage) -> None:
        explicit = record(completeness="UNKNOWN", isAnnotated=False, isLabHost=False, isVaccineStrain=False)
        first, second = hashes_of(session, stage, record(), explicit)
        assert first == second

    def test_value_is_not_mistaken_for_other_pairs(self, session: DuckDBPyConnection, stage: Stage) -> None:
        pairs: list[tuple[dict[str, Any], dict[str, Any]]] = [
            ({"biosample": "a", "segment": "b"}, {"biosample": "a,segment=1:b"}),
            ({"labHost": "x", "molType": "y"}, {"labHost": "x,mol_type=1:y"}),
            ({"biosample": "a"}, {"segment": "a"}),
            ({"sraAccessions": ["a", "b"]}, {"sraAccessions": ["a,b"]}),
            ({"sraAccessions": ["a", "b"]}, {"sraAccessions": ['a","b']}),
            ({"submitter": {"names": ["1"]}}, {"submitter": {"names": ["1", ""]}}),
        ]
        hashes = iter(hashes_of(session, stage, *(record(**fields) for pair in pairs for fields in pair)))
        for pair in pairs:
            assert next(hashes) != next(hashes), pair

    def test_fields_are_distinguished_even_if_a_text_contains_the_separator(
        self, session: DuckDBPyConnection, stage: Stage
    ) -> None:
        texts = [("a", "b"), ("a\x1fb", None), (None, "a\x1fb"), ("a\x1f", "b"), ("a", "\x1fb"), ('"a\\u001fb"', None)]
        others = [record(isolate={"name": name, "source": source}) for name, source in texts]
        assert len(set(hashes_of(session, stage, *others))) == len(texts)

    def test_adjacent_separator_does_not_change_the_hash(self, session: DuckDBPyConnection, stage: Stage) -> None:
        [alone] = hashes_of(session, stage, EVERYTHING)
        [adjacent, _] = hashes_of(session, stage, EVERYTHING, record(labHost="a\x1fb"))
        assert alone == adjacent

    def test_every_column_of_the_report_is_included_once(self) -> None:
        columns = {column.name for column in schema.virus_genome.columns}
        assert set(hashed_columns()) == columns - OF_THE_WAREHOUSE - DERIVED - {"update_date"}
        assert hashed_columns() == sorted(set(hashed_columns()))


NOT_JSON = "not JSON, or more than one value on the line"
VERSIONLESS = "accession: not of the form accession.version"

BAD_LINES: dict[str, tuple[str | bytes, str]] = {
    "malformed": ('{"accession":}', NOT_JSON),
    "truncated": (line("PX000009.1")[:-20], NOT_JSON),
    "no JSON at all": ("<html>Service unavailable</html>", NOT_JSON),
    "array": ('[{"accession":"PX000009.1"}]', "not a JSON object but ARRAY"),
    "number": ("42", "not a JSON object but UBIGINT"),
    "text": ('"PX000009.1"', "not a JSON object but VARCHAR"),
    "null": ("null", "not a JSON object but NULL"),
    "two objects": (line("PX000008.1") + " " + line("PX000009.1"), NOT_JSON),
    "two objects without a space": (line("PX000008.1") + line("PX000009.1"), NOT_JSON),
    "half a surrogate": ('{"accession":"PX000009.1","labHost":"\\ud800"}', NOT_JSON),
    "field given twice": ('{"accession":"PX000008.1","accession":"PX000009.1"}', "$: a field is given twice"),
    "nested field given twice": (
        '{"accession":"PX000009.1","virus":{"taxId":1,"taxId":2}}',
        "$.virus: a field is given twice",
    ),
    "lineage given twice": (
        '{"accession":"PX000009.1","virus":{"lineage":[],"lineage":[]}}',
        "$.virus: a field is given twice",
    ),
    "mistyped number": (line("PX000009.1", length="long"), 'length: "long" is not a whole number'),
    "number in another notation": (line("PX000009.1", length="1e3"), 'length: "1e3" is not a whole number'),
    "too large a number": (
        line("PX000009.1", length=10**19),
        "length: 10000000000000000000 is not a whole number",
    ),
    "fraction": (line("PX000009.1", length=1.5), "length: 1.5 is not a whole number"),
    "fraction as text": (line("PX000009.1", length="1.5"), 'length: "1.5" is not a whole number'),
    "number that is a flag": (line("PX000009.1", geneCount=True), "geneCount: true is not a whole number"),
    "flag that is a number": (line("PX000009.1", isLabHost=1), "isLabHost: 1 is not true or false"),
    "text that is a number": (
        '{"accession":"PX000009.1","labHost":12345678901234567890123.10}',
        "labHost: 1.2345678901234568e22 is not a text",
    ),
    "text that is a list of one": (line("PX000009.1", labHost=["x"]), 'labHost: ["x"] is not a text'),
    "nested text that is an object": (
        line("PX000009.1", isolate={"name": {"a": 1}}),
        'isolate.name: {"a":1} is not a text',
    ),
    "list of numbers": (
        line("PX000009.1", bioprojects=[1, 2]),
        "bioprojects[0]: 1 is not a text; bioprojects[1]: 2 is not a text",
    ),
    "infraspecific names that are not an object": (
        line("PX000009.1", virus={"infraspecificNames": "a"}),
        'virus.infraspecificNames: "a" is not an object',
    ),
    "mistyped nested number": (
        line("PX000009.1", host={"taxId": "human"}),
        'host.taxId: "human" is not a whole number',
    ),
    "mistyped object": (line("PX000009.1", virus="mpox"), 'virus: "mpox" is not an object'),
    "mistyped list": (line("PX000009.1", sraAccessions="SRR1"), 'sraAccessions: "SRR1" is not a list'),
    "mistyped nested list": (
        line("PX000009.1", submitter={"names": {"first": "Wu"}}),
        'submitter.names: {"first":"Wu"} is not a list',
    ),
    "mistyped boolean": (line("PX000009.1", isAnnotated="perhaps"), 'isAnnotated: "perhaps" is not true or false'),
    "boolean in another notation": (line("PX000009.1", isAnnotated="1"), 'isAnnotated: "1" is not true or false'),
    "two mistyped fields": (
        line("PX000009.1", length="long", geneCount=[]),
        'geneCount: [] is not a whole number; length: "long" is not a whole number',
    ),
    "invalid UTF-8": (b'{"accession":"PX000009.1","labHost":"\xff"}', "not UTF-8 at byte 37"),
    "NUL": (b'{"accession":"PX000009.1"\0}', "holds a NUL byte"),
    "no accession": ('{"length":5}', "accession: absent"),
    "accession null": ('{"accession":null}', "accession: absent"),
    "accession without a version": ('{"accession":"PX000009"}', VERSIONLESS),
    "accession with an empty version": ('{"accession":"PX000009."}', VERSIONLESS),
    "accession with another version": ('{"accession":"PX000009.x"}', VERSIONLESS),
    "accession with too large a version": ('{"accession":"PX000009.9999999999"}', VERSIONLESS),
    "accession that is an object": ('{"accession":{"a":1}}', 'accession: {"a":1} is not a text'),
    "accession that is empty": ('{"accession":""}', VERSIONLESS),
    "bad update date": (line("PX000009.1", "soon"), "updateDate: not a date"),
    "update date of no calendar": (line("PX000009.1", "2025-02-30"), "updateDate: not a date"),
    "endless update date": (line("PX000009.1", updateDate="infinity"), "updateDate: not a date"),
    "bad release date": (line("PX000009.1", releaseDate=5), "releaseDate: 5 is not a text"),
}


def raw_text(content: str | bytes) -> str:
    if isinstance(content, str):
        return content
    return content.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


class TestBadLines:
    def test_bad_lines_are_quarantined_and_good_ones_are_read_in_order(
        self, session: DuckDBPyConnection, stage: Stage
    ) -> None:
        lines: list[str | bytes] = []
        expected = []
        for number, (content, reason) in enumerate(BAD_LINES.values()):
            lines += [content, line(f"PX1{number:05d}.1")]
            encoded = content.encode() if isinstance(content, str) else content
            expected.append((2 * number + 1, reason, raw_text(content), hashlib.sha256(encoded).hexdigest()))
        assert stage(*lines) == len(lines)
        assert refused(session) == expected
        assert staged_accessions(session) == [f"PX1{number:05d}.1" for number in range(len(BAD_LINES))]

    @pytest.mark.parametrize(
        "bad",
        some_of(
            [
                "malformed",
                "field given twice",
                "lineage given twice",
                "no accession",
                "fraction",
                "number that is a flag",
                "flag that is a number",
                "text that is a number",
                "text that is a list of one",
                "nested text that is an object",
                "list of numbers",
                "infraspecific names that are not an object",
            ],
            one_in=4,
            first=1,
        ),
    )
    def test_single_bad_line_is_quarantined(self, session: DuckDBPyConnection, stage: Stage, bad: str) -> None:
        content, reason = BAD_LINES[bad]
        assert stage(line("PX000001.1"), content, line("PX000002.1")) == 3
        assert [(number, why) for number, why, *_ in refused(session)] == [(2, reason)]
        assert staged_accessions(session) == ["PX000001.1", "PX000002.1"]

    def test_report_of_only_bad_lines_has_no_rows(self, session: DuckDBPyConnection, stage: Stage) -> None:
        assert stage("{", "[") == 2
        assert staged(session) == []
        assert [number for number, *_ in refused(session)] == [1, 2]

    def test_line_numbers_count_blank_lines(self, session: DuckDBPyConnection, stage: Stage) -> None:
        assert stage("", line("PX000001.1"), "  ", "\t", "{", "", '{"accession":"PX2"}') == 3
        assert [(number, reason) for number, reason, *_ in refused(session)] == [(5, NOT_JSON), (7, VERSIONLESS)]

    @pytest.mark.slow
    @pytest.mark.parametrize("length", [pytest.param(LONGEST_LINE, marks=pytest.mark.long), 34_000_000])
    def test_very_long_line_is_refused_without_failing_the_load(
        self, session: DuckDBPyConnection, stage: Stage, length: int
    ) -> None:
        long = line("PX000009.1", labHost="x" * length)
        assert stage(line("PX000001.1"), long, line("PX000002.1")) == 3
        [(number, reason, raw, sha256)] = refused(session)
        assert (number, sha256) == (2, hashlib.sha256(long.encode()).hexdigest())
        assert reason == f"longer than 16 MiB: {len(long)} bytes, of which raw holds the first MiB"
        assert raw == long[: 1 << 20]
        assert staged_accessions(session) == ["PX000001.1", "PX000002.1"]

    @pytest.mark.slow
    def test_long_line_is_not_a_bad_line(self, session: DuckDBPyConnection, stage: Stage) -> None:
        stage(line("PX000001.1", labHost="x" * 8_000_000), "{")
        assert staged(session, "length(lab_host) AS n") == [{"n": 8_000_000}]

    def test_no_value_of_any_kind_fails_a_load(self, session: DuckDBPyConnection, stage: Stage) -> None:
        fields = ["length", "isAnnotated", "bioprojects", "isolate", "labHost", "releaseDate"]
        values = [0, -1, 1.5, 1e3, 1e30, True, False, None, "5", " 5 ", "+5", "5.", "0x10", "1_000", "n", "yes", "1"]
        values += ["TRUE", "", [], [None], [1], {}, {"a": 1}, {"a": {}}, "\u0000", "\U0001f9a0"]
        lines = [json.dumps({"accession": "PX000001.1", field: value}) for field in fields for value in values]
        # Includes a line that is always bad, so that the others are classified and not only read.
        assert stage(*lines, "{") == len(lines) + 1
        assert len(staged(session, "1")) + len(refused(session)) == len(lines) + 1

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(report((line("PX1.1"), line("PX2.1"))), id="as NCBI writes it"),
            pytest.param(report((line("PX1.1"), line("PX2.1")))[:-1], id="no last newline"),
            pytest.param(report((line("PX1.1"), line("PX2.1"))).replace(b"\n", b"\r\n"), id="CRLF"),
            pytest.param(b"\xef\xbb\xbf" + report((line("PX1.1"), line("PX2.1"))), id="byte order mark"),
            pytest.param(b"\n \n" + report((line("PX1.1"), "", line("PX2.1"), "\t")), id="blank lines"),
            pytest.param(
                report((json.dumps(record("PX1.1"), indent=1).replace("\n", "\t"), line("PX2.1"))), id="spaces"
            ),
        ],
    )
    @pytest.mark.parametrize("with_bad_line", some_of([False, True], one_in=2))
    def test_line_ends_byte_order_marks_and_blanks_are_not_content(
        self, session: DuckDBPyConnection, tmp_path: Path, content: bytes, with_bad_line: bool
    ) -> None:
        if with_bad_line:
            content += b"\n{\n"
        assert stage_bytes(session, tmp_path, content) == 2 + with_bad_line
        assert staged_accessions(session) == ["PX1.1", "PX2.1"]
        assert [raw for _, _, raw, _ in refused(session)] == ["{"] * with_bad_line

    def test_empty_report_has_no_lines(self, session: DuckDBPyConnection, tmp_path: Path) -> None:
        assert stage_bytes(session, tmp_path, b"") == 0
        assert staged(session) == refused(session) == []

    @pytest.mark.slow
    def test_many_lines_keep_their_order(self, session: DuckDBPyConnection, stage: Stage) -> None:
        numbers = range(1, 10_001)
        stage(*(line(f"PX{number:06d}.1") for number in numbers), "{")
        assert staged_accessions(session) == [f"PX{number:06d}.1" for number in numbers]
        assert [number for number, *_ in refused(session)] == [10_001]

    def test_next_report_of_a_session_is_independent(self, session: DuckDBPyConnection, stage: Stage) -> None:
        stage(line("PX1.1"), "{")
        stage(line("PX2.1"))
        assert (staged_accessions(session), refused(session)) == (["PX2.1"], [])
