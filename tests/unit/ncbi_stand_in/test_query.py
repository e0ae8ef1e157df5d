"""Requests are read as NCBI's gateway reads them."""

from datetime import date
from urllib.parse import quote

import pytest
import requests

from ncbi_stand_in.query import (
    AuxReport,
    InvalidArgumentError,
    SequenceFile,
    parse_bool,
    parse_first_day,
    read_body,
    read_query,
)
from tests.support.stand_in import StandIn
from tests.unit.ncbi_stand_in.helpers import Download, get, post

DOCUMENTATION_EXAMPLE = (
    "/virus/taxon/1335626/genome/download?refseq_only=True&annotated_only=True&released_since=2025-01-15"
    "&updated_since=2025-01-15&host=9606&pangolin_classification=LP.8.1&geo_location=USA&usa_state=CA"
    "&complete_only=True&include_sequence=['GENOME', 'CDS', 'PROTEIN']&aux_report=BIOSAMPLE&use_psg=True"
    "&filename=ncbi_dataset.zip"
)


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_go_reads_these_as_true(text: str) -> None:
    assert parse_bool(text) is True


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_go_reads_these_as_false(text: str) -> None:
    assert parse_bool(text) is False


@pytest.mark.parametrize("text", ["", "yes", "tRUE", "2"])
def test_go_refuses_other_booleans(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"strconv.ParseBool: parsing .* invalid syntax"):
        parse_bool(text)


@pytest.mark.parametrize(
    ("text", "first_day"),
    [
        ("2025-01-15", date(2025, 1, 15)),
        ("2025-01-15T00:00:00Z", date(2025, 1, 15)),
        ("2025-01-15T00:00:00.000Z", date(2025, 1, 15)),
        ("2025-01-15T00:00:01Z", date(2025, 1, 16)),
        ("2025-01-15T00:00:00.000001Z", date(2025, 1, 16)),
        ("2025-01-15T02:00:00+02:00", date(2025, 1, 15)),
        ("2025-01-15T00:00:00+02:00", date(2025, 1, 15)),
        ("2025-01-15T00:00:00-02:00", date(2025, 1, 16)),
        ("0001-01-01T00:00:00Z", date(1, 1, 1)),
    ],
)
def test_times_with_a_zone_and_bare_dates_are_read(text: str, first_day: date) -> None:
    assert parse_first_day(text) == first_day


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x", 'cannot parse "x" as "2006"'),
        ("", 'cannot parse "" as "2006"'),
        ("01/15/2025", 'cannot parse "01/15/2025" as "2006"'),
        ("2025-01", 'cannot parse "" as "-"'),
        ("2025-01-15T00:00:00", 'cannot parse "" as "Z07:00"'),
        ("2025-01-15T00:00:00+0000", 'cannot parse "+0000" as "Z07:00"'),
        ("2025-01-15T00:00:00 02:00", 'cannot parse " 02:00" as "Z07:00"'),
        ("2025-01-15 00:00:00Z", 'cannot parse " 00:00:00Z" as "T"'),
        ("2025-01-15T00:00:00ZZ", 'extra text: "Z"'),
        ("2025-13-01T00:00:00Z", "month"),
    ],
)
def test_other_times_are_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        parse_first_day(text)
    assert str(refused.value).startswith(f'parsing time "{text}"')
    assert reason in str(refused.value)


def test_arrays_are_repeated_keys() -> None:
    request = read_query("1", [("include_sequence", "GENOME"), ("include_sequence", "CDS")])
    assert request.include_sequence == (SequenceFile.GENOME, SequenceFile.CDS)


@pytest.mark.parametrize("value", ["GENOME,CDS", "genome", "", "4", "['GENOME', 'CDS', 'PROTEIN']"])
def test_anything_but_an_enum_value_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        read_query("1", [("include_sequence", value)])
    assert str(refused.value) == f'parsing list "include_sequence": "{value}" is not a valid value'


def test_enum_numbers_are_accepted() -> None:
    request = read_query("1", [("aux_report", "2"), ("include_sequence", "3")])
    assert request.aux_report == (AuxReport.BIOSAMPLE_REPORT,)
    assert request.sequence_files == frozenset()


def test_genome_is_included_by_default() -> None:
    assert read_query("1", []).sequence_files == {SequenceFile.GENOME}


def test_json_names_work_and_unknown_names_are_ignored() -> None:
    request = read_query("1", [("updatedSince", "2025-01-15"), ("updated_sinse", "nonsense"), ("a.b", "c")])
    assert request.updated_since == date(2025, 1, 15)


def test_a_scalar_given_twice_is_refused_under_either_name() -> None:
    with pytest.raises(InvalidArgumentError, match='too many values for field "refseq_only": true, false'):
        read_query("1", [("refseq_only", "true"), ("refseqOnly", "false")])


def test_a_path_below_a_scalar_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match='invalid path: "host" is not a message'):
        read_query("1", [("host.name", "human")])


def test_post_drops_unknown_fields_and_enums_and_takes_unset_values_as_no_filter() -> None:
    body = (
        b'{"annotated_only":false,"format":"tsv","geo_location":"","host":"","aux_report":["NONE","ANNOTATION"],'
        b'"include_sequence":["NONE"],"refseqOnly":true,"released_since":"0001-01-01T00:00:00Z","taxons":["10244"],'
        b'"updated_since":"2026-01-01T00:00:00Z","usa_state":null,"no_such_field":{"a":1}}'
    )
    request = read_body(body)
    assert request.taxons == ("10244",)
    assert request.aux_report == (AuxReport.ANNOTATION,)
    assert request.refseq_only is True
    assert request.released_since == date(1, 1, 1)
    assert request.updated_since == date(2026, 1, 1)
    assert request.host == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"taxons":"10244"}',
        b'{"taxon":"10244","refseq_only":"true"}',
        b'{"taxon":"1","updated_since":"x"}',
    ],
)
def test_malformed_post_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidArgumentError):
        read_body(body)


def test_post_without_selection_is_refused(stand_in: StandIn) -> None:
    assert post(stand_in, {"refseq_only": True}).status_code == 400


def test_post_of_the_ncbi_client_is_accepted(stand_in: StandIn) -> None:
    body = {
        "annotated_only": False,
        "complete_only": False,
        "format": "tsv",
        "geo_location": "",
        "host": "",
        "include_sequence": ["NONE"],
        "pangolin_classification": "",
        "refseq_only": False,
        "released_since": "0001-01-01T00:00:00Z",
        "taxons": ["2697049"],
        "updated_since": "0001-01-01T00:00:00Z",
        "usa_state": "",
    }
    by_post = Download(post(stand_in, body))
    by_get = Download(get(stand_in, "2697049", {"include_sequence": "NONE"}))
    assert by_post.accessions == by_get.accessions != set()


def test_documentation_example_is_refused_for_its_two_enums(stand_in: StandIn) -> None:
    def message(url: str) -> str:
        response = requests.get(url, timeout=60)
        assert response.status_code == 400
        return str(response.json()["message"])

    url = stand_in.url + DOCUMENTATION_EXAMPLE
    assert """parsing list "include_sequence": "['GENOME', 'CDS', 'PROTEIN']" is not a valid""" in message(url)
    repeated = "include_sequence=GENOME&include_sequence=CDS&include_sequence=PROTEIN"
    url = url.replace("include_sequence=['GENOME', 'CDS', 'PROTEIN']", repeated)
    assert 'parsing list "aux_report": "BIOSAMPLE" is not a valid value' in message(url)
    url = url.replace("aux_report=BIOSAMPLE", "aux_report=BIOSAMPLE_REPORT")
    corrected = Download(requests.get(url, timeout=60))
    # MERS has no Pango lineages: well-formed, the example still matches nothing.
    assert corrected.accessions == set()


def test_refusal_has_ncbi_error_format(stand_in: StandIn) -> None:
    response = get(stand_in, params={"updated_since": "x"})
    reason = (
        'parsing field "updated_since": parsing time "x" as "2006-01-02T15:04:05.999999999Z07:00": '
        'cannot parse "x" as "2006"'
    )
    more_help = "see the NCBI Datasets Documentation at https://www.ncbi.nlm.nih.gov/datasets/docs/"
    assert response.json() == {
        "error": "Bad Request",
        "code": 400,
        "message": f"Invalid argument provided: '{reason}'. (For more help, {more_help})",
    }
    assert response.headers["Ncbi-Phid"]


def test_an_unencoded_plus_is_a_space(stand_in: StandIn) -> None:
    url = f"{stand_in.url}/virus/taxon/10244/genome/download?include_sequence=NONE&updated_since="
    assert requests.get(url + "2026-01-01T00:00:00+02:00", timeout=60).status_code == 400
    assert requests.get(url + quote("2026-01-01T00:00:00+02:00"), timeout=60).status_code == 200
