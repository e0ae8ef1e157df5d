"""Parsing a request as NCBI's gateway does.

NCBI serves its API through grpc-gateway v2 (contract notes, section 1), which sets the rules: arrays are repeated
keys, and commas do not separate values; unknown names are ignored; snake_case and camelCase both work; enums can be
given by name or number; booleans are parsed like Go's `strconv.ParseBool`.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Any

from ncbi_stand_in.protobuf_json import with_proto_names


class InvalidArgumentError(ValueError):
    """A parameter that the gateway rejects with 400. The text is NCBI's inner message."""


class SequenceFile(IntEnum):
    """Values of `include_sequence`."""

    GENOME = 0
    CDS = 1
    PROTEIN = 2
    NONE = 3


class AuxReport(IntEnum):
    """Values of `aux_report`. The data report is always included."""

    DATASET_REPORT = 0
    ANNOTATION = 1
    BIOSAMPLE_REPORT = 2


@dataclass(frozen=True)
class GenomeRequest:
    """The parameters of a download. Empty text and None mean no filter. Dates are the first day that matches."""

    taxons: tuple[str, ...] = ()
    accessions: tuple[str, ...] = ()
    refseq_only: bool = False
    annotated_only: bool = False
    complete_only: bool = False
    released_since: date | None = None
    updated_since: date | None = None
    host: str = ""
    pangolin_classification: str = ""
    geo_location: str = ""
    usa_state: str = ""
    include_sequence: tuple[SequenceFile, ...] = ()
    aux_report: tuple[AuxReport, ...] = ()
    filename: str = ""

    @property
    def sequence_files(self) -> frozenset[SequenceFile]:
        """The requested sequence files. NCBI's documented default is the genome."""
        return frozenset(self.include_sequence or (SequenceFile.GENOME,)) - {SequenceFile.NONE}


_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


def parse_bool(text: str) -> bool:
    """Parse a boolean like Go's `strconv.ParseBool`."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise InvalidArgumentError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


_GO_LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"
_TIMESTAMP_PARTS = (
    ("2006", r"\d{4}"), ("-", "-"), ("01", r"\d\d"), ("-", "-"), ("02", r"\d\d"), ("T", "T"),
    ("15", r"\d\d"), (":", ":"), ("04", r"\d\d"), (":", ":"), ("05", r"\d\d(?:\.\d+)?"),
    ("Z07:00", r"(?:Z|[+-]\d\d:\d\d)"),
)  # fmt: skip


def parse_first_day(text: str) -> date:
    """Parse a time into the first day whose midnight is not before it.

    Times are RFC 3339 with a time zone. A plain date is accepted, too, because NCBI's documentation uses it. Stored
    dates are midnights in UTC, so a time of day excludes the records of that day (contract notes, section 5).
    """
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        text += "T00:00:00Z"
    rest = text
    for layout, pattern in _TIMESTAMP_PARTS:
        match = re.match(pattern, rest, re.ASCII)
        if match is None:
            raise InvalidArgumentError(f'parsing time "{text}" as "{_GO_LAYOUT}": cannot parse "{rest}" as "{layout}"')
        rest = rest[match.end() :]
    if rest:
        raise InvalidArgumentError(f'parsing time "{text}": extra text: "{rest}"')
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError(f'parsing time "{text}": {error}') from error
    is_midnight = instant.time() == datetime.min.time()
    return instant.date() if is_midnight else instant.date() + timedelta(days=1)


def _enum_reader(values: type[IntEnum]) -> Callable[[str], IntEnum]:
    def read(text: str) -> IntEnum:
        if text in values.__members__:
            return values[text]
        try:
            return values(int(text))
        except ValueError:
            raise InvalidArgumentError(f'"{text}" is not a valid value') from None

    return read


@dataclass(frozen=True)
class _Parameter:
    name: str
    read: Callable[[str], Any]
    json_type: type
    repeated: bool = False


_PARAMETERS = (
    _Parameter("taxons", str, str, repeated=True),
    _Parameter("accessions", str, str, repeated=True),
    _Parameter("refseq_only", parse_bool, bool),
    _Parameter("annotated_only", parse_bool, bool),
    _Parameter("complete_only", parse_bool, bool),
    _Parameter("released_since", parse_first_day, str),
    _Parameter("updated_since", parse_first_day, str),
    _Parameter("host", str, str),
    _Parameter("pangolin_classification", str, str),
    _Parameter("geo_location", str, str),
    _Parameter("usa_state", str, str),
    _Parameter("include_sequence", _enum_reader(SequenceFile), str, repeated=True),
    _Parameter("aux_report", _enum_reader(AuxReport), str, repeated=True),
    _Parameter("use_psg", parse_bool, bool),
    _Parameter("filename", str, str),
)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


_BY_NAME = {name: parameter for parameter in _PARAMETERS for name in (parameter.name, _camel_case(parameter.name))}


def read_query(taxon: str, pairs: Iterable[tuple[str, str]]) -> GenomeRequest:
    """Read `GET /virus/taxon/{taxon}/genome/download?...`; raises InvalidArgumentError.

    NCBI checks the parameters in no fixed order, so it may name any of several invalid ones. Here it is the first.
    """
    texts: dict[str, list[str]] = {}
    for key, value in pairs:
        name, dot, _ = key.partition(".")
        if name in _BY_NAME:
            if dot:
                raise InvalidArgumentError(f'invalid path: "{name}" is not a message')
            texts.setdefault(_BY_NAME[name].name, []).append(value)
    fields = {name: _read_texts(_BY_NAME[name], values) for name, values in texts.items()}
    return _request({**fields, "taxons": (taxon,)})


def _read_texts(parameter: _Parameter, texts: list[str]) -> object:
    if parameter.repeated:
        try:
            return tuple(parameter.read(text) for text in texts)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f'parsing list "{parameter.name}": {error}') from error
    if len(texts) > 1:
        raise InvalidArgumentError(f'too many values for field "{parameter.name}": {", ".join(texts)}')
    try:
        return parameter.read(texts[0])
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f'parsing field "{parameter.name}": {error}') from error


def read_body(body: bytes) -> GenomeRequest:
    """Read the JSON of `POST /virus/genome/download`; raises InvalidArgumentError.

    Unknown fields and unknown enum texts are dropped. Empty text is no filter. Neither is the year 0001, which NCBI's
    own client sends for an unset date (contract notes, sections 1 and 7).
    """
    return _read_fields(read_message(body))


@dataclass(frozen=True)
class PageRequest:
    """A request for one page of reports.

    Attributes:
        records: the records whose reports are requested.
        accessions_only: whether only the accessions are requested.
        size: maximum number of reports on a page.
        first: number of reports on earlier pages.
    """

    records: GenomeRequest
    accessions_only: bool
    size: int
    first: int


# NCBI's specification (v2VirusDataReportRequest, page_size).
DEFAULT_PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 1000


def read_page_body(body: bytes) -> PageRequest:
    """Read the JSON of `POST /virus` and `POST /virus/annotation_report`; raises InvalidArgumentError.

    NCBI does not document what happens above the maximum page size. Here the page then has the maximum size.
    """
    message = read_message(body)
    size = message.get("page_size") or DEFAULT_PAGE_SIZE
    if not isinstance(size, int) or size < 0:
        raise InvalidArgumentError(f"proto: invalid value for field page_size: {json.dumps(size)}")
    filters = message.get("filter") or {}
    if not isinstance(filters, dict):
        raise InvalidArgumentError("proto: syntax error: field filter is a message")
    return PageRequest(
        records=_read_fields(filters),
        accessions_only=message.get("returned_content") == "ACCESSIONS_ONLY",
        size=min(size, LARGEST_PAGE_SIZE),
        first=_read_page_token(message.get("page_token") or ""),
    )


def page_token(first: int) -> str:
    """The token of the page that begins after `first` reports. It is opaque to clients, like NCBI's."""
    return first.to_bytes(8).hex()


def _read_page_token(token: object) -> int:
    try:
        return int.from_bytes(bytes.fromhex(str(token)))
    except ValueError:
        raise InvalidArgumentError(f"invalid page_token {json.dumps(token)}") from None


def read_message(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body, with names in snake_case; raises InvalidArgumentError."""
    try:
        message = with_proto_names(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"proto: syntax error: {error}") from error
    if not isinstance(message, dict):
        raise InvalidArgumentError("proto: syntax error: unexpected token, a message is an object")
    return message


def _read_fields(message: dict[str, Any]) -> GenomeRequest:
    fields: dict[str, object] = {}
    for key, value in message.items():
        if key == "taxon" and isinstance(value, str) and value:
            fields.setdefault("taxons", (value,))
        elif key in _BY_NAME and value not in (None, ""):
            parameter = _BY_NAME[key]
            fields[parameter.name] = _read_json(parameter, value)
    return _request(fields)


def _read_json(parameter: _Parameter, value: object) -> object:
    if parameter.repeated:
        if not isinstance(value, list):
            raise InvalidArgumentError(f"proto: syntax error: field {parameter.name} is a list")
        return tuple(item for item in (_read_json_item(parameter, one) for one in value) if item is not None)
    if not isinstance(value, parameter.json_type):
        raise InvalidArgumentError(f"proto: invalid value for field {parameter.name}: {json.dumps(value)}")
    return value if isinstance(value, bool) else parameter.read(str(value))


def _read_json_item(parameter: _Parameter, value: object) -> object:
    try:
        return parameter.read(str(value))
    except InvalidArgumentError:
        return None


def _request(fields: dict[str, Any]) -> GenomeRequest:
    # Accepted without effect: it only selects how NCBI fetches the same sequences.
    fields.pop("use_psg", None)
    return GenomeRequest(**fields)
