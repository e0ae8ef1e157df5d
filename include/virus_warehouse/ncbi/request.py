"""The requests for virus genome data packages: by taxon, and by accession."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

_DEFAULT_FILENAME = "ncbi_dataset.zip"
_OF_THE_PACKAGE = {"taxon", "include_sequence", "aux_report", "use_psg", "filename"}
"""Parameters of a request that are no filters."""


class SequenceType(StrEnum):
    """Sequence files of a package."""

    GENOME = "GENOME"
    CDS = "CDS"
    PROTEIN = "PROTEIN"
    NONE = "NONE"


class ReportType(StrEnum):
    """Reports of a package besides the data report, which is always included."""

    DATASET_REPORT = "DATASET_REPORT"
    ANNOTATION = "ANNOTATION"
    BIOSAMPLE_REPORT = "BIOSAMPLE_REPORT"


Choice = TypeVar("Choice", bound=StrEnum)


def _flag(value: Any, parse: ValidatorFunctionWrapHandler, info: ValidationInfo) -> bool:
    try:
        return bool(parse(value))
    except ValidationError:
        raise ValueError(f"{info.field_name} is {value!r}; allowed are true and false") from None


def _text(value: Any, info: ValidationInfo) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{info.field_name} is {value!r}; allowed is text (in YAML, put it in quotes)")
    text = str(value).strip()
    if not text or not text.isprintable():
        raise ValueError(f"{info.field_name} is {value!r}; allowed is one line of text that is not blank")
    return text


def _taxon(text: str) -> str:
    # "." and ".." would be resolved as folders of the URL's path.
    if text.startswith("-") or not any(letter.isalnum() and letter != "0" for letter in text):
        raise ValueError(f"taxon is {text!r}; allowed are a positive NCBI Taxonomy ID such as 10244 or a taxon's name")
    return text


def _lineage(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{1,3}(\.[0-9]{1,5})*", lineage := text.upper()):
        raise ValueError(f"pangolin_classification is {text!r}; allowed is one Pango lineage such as LP.8.1 or B.1.1.7")
    return lineage


def _state(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", state := text.upper()):
        raise ValueError(f"usa_state is {text!r}; allowed is a state's two-letter abbreviation such as CA")
    return state


def _filename(text: str) -> str:
    if text in (".", "..") or re.search(r"[/\\]", text):
        raise ValueError(
            f"filename is {text!r}; allowed is a plain file name without / or \\, such as {_DEFAULT_FILENAME}"
        )
    return text


def _day(value: Any, info: ValidationInfo) -> date:
    """The UTC day of a time.

    NCBI's dates are at midnight: any later time of day would exclude that day's records.
    """
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            moment = None
    if isinstance(moment, datetime):
        try:
            return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
        except OverflowError:
            moment = None
    if not isinstance(moment, date):
        raise ValueError(
            f"{info.field_name} is {value!r}; allowed are a date and an ISO 8601 date or time"
            " such as 2025-01-15 or 2025-01-15T00:00:00Z"
        )
    return moment


def _choices(value: Any, choices: type[Choice], name: str) -> tuple[Choice, ...]:
    """Each choice once and in the API's order, so that equal choices give equal requests."""
    if isinstance(value, str) and re.search(r"[\[\],'\"\s]", value.strip()):
        example = list(choices)[:2]
        raise ValueError(
            f"{name} is the text {value!r}; allowed is a list of {', '.join(choices)}, written"
            f" {[str(choice) for choice in example]} in Python, [{', '.join(example)}] in YAML and"
            f" {'&'.join(f'{name}={choice}' for choice in example)} in a URL"
        )
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, Iterable) or isinstance(given, Mapping | bytes):
        raise ValueError(f"{name} is {value!r}; allowed is a list of {', '.join(choices)}")
    given = list(given)
    for item in given:
        if item not in list(choices):
            close = difflib.get_close_matches(str(item).upper(), list(choices), n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"{name} has {item!r}; allowed are {', '.join(choices)}{hint}")
    return tuple(choice for choice in choices if choice in given)


def _sequence_types(value: Any) -> tuple[SequenceType, ...]:
    types = _choices(value, SequenceType, "include_sequence") or (SequenceType.NONE,)
    if SequenceType.NONE in types and len(types) > 1:
        raise ValueError(
            f"include_sequence is {', '.join(types)}; allowed is NONE alone, or any of"
            f" {', '.join(choice for choice in SequenceType if choice is not SequenceType.NONE)}"
        )
    return types


def _report_types(value: Any) -> tuple[ReportType, ...]:
    return _choices(value, ReportType, "aux_report")


Flag = Annotated[bool, WrapValidator(_flag)]
Text = Annotated[str, BeforeValidator(_text)]
Day = Annotated[date, BeforeValidator(_day)]


class VirusGenomeRequest(BaseModel):
    """A request for a virus genome data package: the 14 parameters of `/virus/taxon/{taxon}/genome/download`.

    The parameters have the API's own names. Values may be Python objects, YAML scalars, or the text of a rendered
    Airflow template ("True", "10244"). None, "" and "None" mean: not set.

    NCBI silently ignores misspelt names and would send everything, so unknown names and invalid values are rejected
    here, with a `pydantic.ValidationError` (a `ValueError`) that names the parameter and what is allowed.

    Attributes:
        taxon: NCBI Taxonomy ID, or name, at any rank.
        refseq_only: only RefSeq genomes.
        annotated_only: only annotated genomes.
        released_since: only genomes released on or after this UTC day. A time is floored to its day.
        updated_since: only genomes updated on or after this UTC day. A time is floored to its day.
        host: only genomes isolated from this species: taxonomy ID, common or scientific name.
        pangolin_classification: only this Pango lineage; SARS-CoV-2 alone has them.
        geo_location: only genomes collected in this country or continent.
        usa_state: only genomes collected in this state of the USA: two letters.
        complete_only: only genomes declared complete by their submitters.
        include_sequence: sequence files to include. Always sent, because NCBI's default is not documented.
        aux_report: reports to include besides the data report.
        use_psg: NCBI's experimental way to retrieve sequences.
        filename: the name NCBI suggests for the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    taxon: Annotated[Text, AfterValidator(_taxon)]
    refseq_only: Flag = False
    annotated_only: Flag = False
    released_since: Day | None = None
    updated_since: Day | None = None
    host: Text | None = None
    pangolin_classification: Annotated[Text, AfterValidator(_lineage)] | None = None
    geo_location: Text | None = None
    usa_state: Annotated[Text, AfterValidator(_state)] | None = None
    complete_only: Flag = False
    include_sequence: Annotated[tuple[SequenceType, ...], BeforeValidator(_sequence_types)] = (SequenceType.NONE,)
    aux_report: Annotated[tuple[ReportType, ...], BeforeValidator(_report_types)] = ()
    use_psg: Flag = False
    filename: Annotated[Text, AfterValidator(_filename)] = _DEFAULT_FILENAME

    @model_validator(mode="before")
    @classmethod
    def _leave_out_unset(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {name: value for name, value in values.items() if name not in cls.model_fields or not _is_unset(value)}

    @property
    def path(self) -> str:
        """The operation's path below the API's base URL, with the taxon percent-encoded."""
        return f"/virus/taxon/{quote(self.taxon, safe='')}/genome/download"

    def query(self) -> list[tuple[str, str]]:
        """The query's names and values, not yet percent-encoded, in the order of the API's description.

        Arrays repeat their name: NCBI accepts neither comma-separated values nor a list's text. Default values are left
        out, except `include_sequence`.
        """
        pairs: list[tuple[str, str]] = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name == "taxon" or value is None or value is False:
                continue
            if value is True:
                pairs.append((name, "true"))
            elif isinstance(value, tuple):
                pairs += [(name, str(choice)) for choice in value]
            elif isinstance(value, date):
                pairs.append((name, _midnight(value)))
            elif (name, value) != ("filename", _DEFAULT_FILENAME):
                pairs.append((name, value))
        return pairs

    @property
    def body(self) -> None:
        """Nothing: this request is a GET."""
        return None

    def filters(self) -> dict[str, object]:
        """The same filters as in the body of NCBI's listing, its message `VirusDatasetFilter`; unset ones are left out.

        A misspelt name would be ignored there, too, and everything be listed.
        """
        filters: dict[str, object] = {"taxons": [self.taxon]}
        for name in type(self).model_fields.keys() - _OF_THE_PACKAGE:
            value = getattr(self, name)
            if value not in (None, False):
                filters[name] = _midnight(value) if isinstance(value, date) else value
        return filters

    def url(self, base: str) -> str:
        """The whole URL.

        Args:
            base: the API's base URL, such as `https://api.ncbi.nlm.nih.gov/datasets/v2`.
        """
        return f"{base.rstrip('/')}{self.path}?{urlencode(self.query(), safe=':', quote_via=quote)}"


@dataclass(frozen=True)
class AccessionsRequest:
    """A request for the package of some records of another request: `POST /virus/genome/download`.

    Attributes:
        accessions: of the records, with their versions.
        of: the request for all of them, whose sequence files and reports are requested.
    """

    accessions: tuple[str, ...]
    of: VirusGenomeRequest

    @property
    def body(self) -> dict[str, object]:
        """The JSON body, NCBI's message `VirusDatasetRequest`."""
        body: dict[str, object] = {
            "accessions": list(self.accessions),
            "include_sequence": [str(kind) for kind in self.of.include_sequence],
        }
        if self.of.aux_report:
            body["aux_report"] = [str(report) for report in self.of.aux_report]
        if self.of.use_psg:
            body["use_psg"] = True
        return body

    def url(self, base: str) -> str:
        """The whole URL.

        Args:
            base: the API's base URL, such as `https://api.ncbi.nlm.nih.gov/datasets/v2`.
        """
        return f"{base.rstrip('/')}/virus/genome/download"


PackageRequest = VirusGenomeRequest | AccessionsRequest


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _is_unset(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in ("", "None"))
