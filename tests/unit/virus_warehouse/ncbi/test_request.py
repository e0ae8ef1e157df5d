from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ncbi.datasets.openapi import ApiClient, VirusApi
from pydantic import ValidationError

from virus_warehouse.ncbi.request import ReportType, SequenceType, VirusGenomeRequest

BASE = "https://api.ncbi.nlm.nih.gov/datasets/v2"
DESCRIPTION = Path(__file__).parents[5] / "shared/ncbi/openapi_virus.yaml"

EVERYTHING: dict[str, Any] = {
    "taxon": "2697049",
    "refseq_only": True,
    "annotated_only": True,
    "released_since": date(2025, 1, 1),
    "updated_since": date(2025, 1, 15),
    "host": "Felis catus",
    "pangolin_classification": "LP.8.1",
    "geo_location": "Côte d'Ivoire",
    "usa_state": "CA",
    "complete_only": True,
    "include_sequence": ["GENOME", "CDS", "PROTEIN"],
    "aux_report": ["DATASET_REPORT", "ANNOTATION", "BIOSAMPLE_REPORT"],
    "use_psg": True,
    "filename": "sars & co.zip",
}


def request(**parameters: Any) -> VirusGenomeRequest:
    return VirusGenomeRequest.model_validate({"taxon": "10244"} | parameters)


def refusal(**parameters: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        request(**parameters)
    [error] = refused.value.errors()
    assert error["loc"][0] in parameters
    return error["msg"]


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    if not DESCRIPTION.exists():
        pytest.skip("NCBI's API description is not beside this checkout (../shared/ncbi)")
    loaded: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text())
    return loaded


class TestAgainstTheApiDescription:
    @pytest.fixture
    def parameters(self, description: dict[str, Any]) -> list[dict[str, Any]]:
        operation = description["paths"]["/virus/taxon/{taxon}/genome/download"]["get"]
        listed: list[dict[str, Any]] = operation["parameters"]
        return listed

    def test_has_exactly_its_parameters_in_its_order(self, parameters: list[dict[str, Any]]) -> None:
        assert list(VirusGenomeRequest.model_fields) == [parameter["name"] for parameter in parameters]

    def test_query_is_in_its_order(self, parameters: list[dict[str, Any]]) -> None:
        names = [name for name, _ in request(**EVERYTHING).query()]
        assert list(dict.fromkeys(names)) == [p["name"] for p in parameters if p["in"] == "query"]

    def test_only_the_taxon_is_required(self, parameters: list[dict[str, Any]]) -> None:
        required = {name for name, field in VirusGenomeRequest.model_fields.items() if field.is_required()}
        assert required == {p["name"] for p in parameters if p["required"]} == {"taxon"}

    @pytest.mark.parametrize(
        ("enum", "schema"),
        [(SequenceType, "v2ViralSequenceType"), (ReportType, "v2VirusDatasetReportType")],
    )
    def test_enums_are_its_enums(self, description: dict[str, Any], enum: type[StrEnum], schema: str) -> None:
        assert list(enum) == description["components"]["schemas"][schema]["enum"]

    def test_defaults_are_its_defaults(self, parameters: list[dict[str, Any]]) -> None:
        for parameter in parameters:
            if "default" in parameter["schema"]:
                assert getattr(request(), parameter["name"]) == parameter["schema"]["default"]

    def test_its_examples_are_accepted_except_the_one_ncbi_refuses(self, parameters: list[dict[str, Any]]) -> None:
        for parameter in parameters:
            for example in parameter.get("examples", {}).values():
                if example["value"] == "BIOSAMPLE":
                    assert "BIOSAMPLE_REPORT" in refusal(aux_report="BIOSAMPLE")
                else:
                    request(**{parameter["name"]: example["value"]})


class TestAgainstTheOfficialClient:
    """ncbi-datasets-pyclient writes times in a format other than RFC 3339, so dates are compared separately."""

    def official(self, **values: Any) -> tuple[str, list[tuple[str, str]]]:
        names = [name for name in VirusGenomeRequest.model_fields if name != "taxon"]
        defaults: dict[str, Any] = dict.fromkeys(names)
        internals = {"_request_auth": None, "_content_type": None, "_headers": None, "_host_index": 0}
        api = VirusApi(ApiClient())
        _, url, *_ = api._virus_genome_download_serialize(**(defaults | values | internals))
        parts = urlsplit(url)
        return parts.path, parse_qsl(parts.query)

    def ours(self, window_request: VirusGenomeRequest) -> tuple[str, list[tuple[str, str]]]:
        parts = urlsplit(window_request.url(BASE))
        return parts.path, parse_qsl(parts.query)

    def test_everything_at_once(self) -> None:
        dates = {"released_since": "2025-01-01T00:00:00Z", "updated_since": "2025-01-15T00:00:00Z"}
        assert self.ours(request(**EVERYTHING)) == self.official(**(EVERYTHING | dates))

    def test_only_a_taxon(self) -> None:
        assert self.ours(request()) == self.official(taxon="10244", include_sequence=["NONE"])

    @given(
        taxon=st.text("abcXYZ019 /%?#&+.'éß()", min_size=1).filter(lambda text: any(map(str.isalnum, text))),
        host=st.text(st.characters(exclude_categories=("C", "Z")), min_size=1).filter(lambda text: text != "None"),
    )
    def test_any_text_is_preserved(self, taxon: str, host: str) -> None:
        try:
            window_request = request(taxon=taxon, host=host)
        except ValidationError:
            return
        path, query = self.ours(window_request)
        assert unquote(path) == f"/datasets/v2/virus/taxon/{window_request.taxon}/genome/download"
        assert path.count("/") == 7
        assert query == [("host", host), ("include_sequence", "NONE")]
        assert query == self.official(taxon=taxon, host=host, include_sequence=["NONE"])[1]


def test_url_of_the_documentation_example_in_the_form_ncbi_accepts() -> None:
    window_request = request(
        taxon=1335626,
        refseq_only=True,
        updated_since="2025-01-15",
        aux_report=["ANNOTATION", "BIOSAMPLE_REPORT"],
    )
    assert window_request.url(f"{BASE}/") == (
        f"{BASE}/virus/taxon/1335626/genome/download?refseq_only=true&updated_since=2025-01-15T00:00:00Z"
        "&include_sequence=NONE&aux_report=ANNOTATION&aux_report=BIOSAMPLE_REPORT"
    )


def test_taxon_name_is_percent_encoded() -> None:
    assert request(taxon="Zika virus/Ü").path == "/virus/taxon/Zika%20virus%2F%C3%9C/genome/download"


def test_no_sequence_is_requested_by_default() -> None:
    assert request().query() == [("include_sequence", "NONE")]
    assert request(include_sequence=[]).query() == [("include_sequence", "NONE")]


def test_requests_with_equal_values_are_equal() -> None:
    assert request(aux_report=["BIOSAMPLE_REPORT", "ANNOTATION", "ANNOTATION"]) == request(
        aux_report=("ANNOTATION", "BIOSAMPLE_REPORT")
    )
    assert hash(request(taxon=10244)) == hash(request(taxon=" 10244 "))


def test_is_frozen() -> None:
    with pytest.raises(ValidationError):
        request().taxon = "1"  # type: ignore[misc]


@pytest.mark.parametrize(
    "value",
    [
        date(2025, 1, 15),
        datetime(2025, 1, 15),  # noqa: DTZ001
        datetime(2025, 1, 15, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2025, 1, 16, 1, 0, tzinfo=timezone(timedelta(hours=2))),
        datetime(2025, 1, 14, 20, 0, tzinfo=timezone(timedelta(hours=-5))),
        "2025-01-15",
        " 2025-01-15T10:30:00Z ",
        "2025-01-15 10:30:00+00:00",
        "2025-01-16T01:00:00+02:00",
    ],
)
def test_time_is_floored_to_its_utc_day(value: object) -> None:
    assert request(updated_since=value).query()[0] == ("updated_since", "2025-01-15T00:00:00Z")


@pytest.mark.parametrize("value", ["True", "true", " true ".strip(), "yes", True, 1])
def test_true_is_sent_as_true(value: object) -> None:
    assert ("complete_only", "true") in request(complete_only=value).query()


@pytest.mark.parametrize("value", ["False", "false", "", "None", None, False, 0])
def test_false_and_unset_are_not_sent(value: object) -> None:
    assert request(complete_only=value) == request()


@pytest.mark.parametrize("value", [None, "", " ", "None"])
@pytest.mark.parametrize("name", [name for name in EVERYTHING if name != "taxon"])
def test_empty_template_values_are_unset(name: str, value: object) -> None:
    assert request(**{name: value}) == request()


def test_rendered_and_yaml_values_mean_what_python_values_mean() -> None:
    rendered = {name: value if isinstance(value, list) else str(value) for name, value in EVERYTHING.items()}
    assert request(**rendered) == request(**EVERYTHING)
    assert request(**yaml.safe_load(yaml.safe_dump(EVERYTHING))) == request(**EVERYTHING)


def test_single_name_is_a_list_of_one() -> None:
    assert request(aux_report="ANNOTATION").aux_report == (ReportType.ANNOTATION,)


def test_values_are_sent_in_upper_case_where_ncbi_uses_it() -> None:
    window_request = request(usa_state="ca", pangolin_classification="lp.8.1")
    assert (window_request.usa_state, window_request.pangolin_classification) == ("CA", "LP.8.1")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"aux_report": ["BIOSAMPLE"]}, ["aux_report", *ReportType, "did you mean BIOSAMPLE_REPORT?"]),
        ({"aux_report": "biosample_report"}, ["aux_report", "did you mean BIOSAMPLE_REPORT?"]),
        ({"aux_report": [3]}, ["aux_report", *ReportType]),
        ({"aux_report": 3}, ["aux_report", *ReportType]),
        ({"aux_report": {"ANNOTATION": True}}, ["aux_report", *ReportType]),
        ({"include_sequence": "genome"}, [*SequenceType, "did you mean GENOME?"]),
        ({"include_sequence": "['GENOME', 'CDS']"}, ["include_sequence=GENOME&include_sequence=CDS"]),
        ({"include_sequence": "GENOME,CDS"}, ["['GENOME', 'CDS']", *SequenceType]),
        ({"include_sequence": ["NONE", "CDS"]}, ["NONE alone", "GENOME, CDS, PROTEIN"]),
        ({"refseq_only": "maybe"}, ["refseq_only", "'maybe'", "true and false"]),
        ({"use_psg": 2}, ["use_psg", "true and false"]),
        ({"updated_since": "yesterday"}, ["updated_since", "'yesterday'", "2025-01-15"]),
        ({"updated_since": "2025-02-30"}, ["updated_since"]),
        ({"released_since": 20250115}, ["released_since", "2025-01-15T00:00:00Z"]),
        ({"released_since": "0001-01-01T00:00:00+02:00"}, ["released_since"]),
        ({"usa_state": "Cal"}, ["usa_state", "two-letter", "CA"]),
        ({"usa_state": "C1"}, ["usa_state"]),
        ({"pangolin_classification": "BA.2*"}, ["pangolin_classification", "LP.8.1"]),
        ({"pangolin_classification": "LP.8.1, BA.2"}, ["pangolin_classification"]),
        ({"filename": "../x.zip"}, ["filename", "ncbi_dataset.zip"]),
        ({"filename": "a\\b.zip"}, ["filename"]),
        ({"filename": ".."}, ["filename"]),
        ({"host": False}, ["host", "quotes"]),
        ({"host": "a\nb"}, ["host", "one line"]),
        ({"geo_location": ["USA"]}, ["geo_location"]),
        ({"taxon": 0}, ["taxon", "10244"]),
        ({"taxon": -10244}, ["taxon"]),
        ({"taxon": ".."}, ["taxon"]),
        ({"taxon": 10244.0}, ["taxon"]),
        ({"taxon": ""}, ["required"]),
        ({"taxon": None}, ["required"]),
    ],
)
def test_bad_value_is_refused_with_what_is_allowed(parameters: dict[str, Any], words: list[str]) -> None:
    message = refusal(**parameters)
    assert all(word in message for word in words), message


@pytest.mark.parametrize("value", ["2025-01-15", None])
def test_unknown_parameter_is_refused_because_ncbi_would_ignore_it(value: str | None) -> None:
    assert "not permitted" in refusal(updated_sinse=value)


@given(
    name=st.sampled_from(list(EVERYTHING)),
    value=st.one_of(st.text(), st.integers(), st.floats(), st.binary()),
)
def test_any_value_is_accepted_or_refused(name: str, value: object) -> None:
    build: Callable[[], VirusGenomeRequest] = lambda: request(**{name: value})  # noqa: E731
    try:
        window_request = build()
    except ValidationError:
        return
    assert window_request.url(BASE).isascii()
