"""The sources file, `sources.yaml`, validated before any request is sent."""

import hashlib
import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from itertools import combinations, product
from pathlib import Path
from typing import Annotated, Any

import yaml
from croniter import croniter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from virus_warehouse.alert_settings import AlertSettings
from virus_warehouse.data_folder import CHECKOUT, DataFolder
from virus_warehouse.failure import UsageError
from virus_warehouse.ncbi.request import Day, ReportType, SequenceType, VirusGenomeRequest
from virus_warehouse.sequences.molecule import MOLECULES, PROTEIN, Molecule, molecules_of

_NO_FILTERS = {"updated_since", "filename"}
"""Request parameters that a source cannot set: they differ from run to run, or change nothing."""

_SWITCHES = {"use_psg": (False, True)}
"""Parameters that a source can set but that do not change its records or reports, with their values."""

_SEQUENCES = [molecule.requested_as for molecule in MOLECULES]

_KEYS_OF_PARAMETERS = {"aux_report": "aux_reports", "include_sequence": "sequences"}

_REQUEST_KEYS = {
    _KEYS_OF_PARAMETERS.get(name, name): name for name in VirusGenomeRequest.model_fields if name not in _NO_FILTERS
}
"""Keys of a source that are request parameters, with the API's names."""


def _cron(expression: str) -> str:
    if not croniter.is_valid(expression):
        raise ValueError(f"schedule is {expression!r}; allowed is a cron expression such as '0 6 * * *'")
    return expression


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} is not allowed; use small letters, digits and _, starting with a letter")
    return name


class SourceError(UsageError):
    """An invalid sources file or source; names file, source and key."""


class UnknownSource(SourceError):
    """No source has this name; the message lists those that there are."""


class Defaults(BaseModel):
    """Defaults for all sources.

    Attributes:
        schedule: cron expression, in UTC.
        lookback_days: how many days before the watermark a run requests, because NCBI publishes some records days
            after their date (NCBI issues #309, #488).
        retention_days: age in days from which a package may be deleted from the archive.
        history_days: how many days after its end a superseded state of a record may be removed; None: never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schedule: Annotated[str, AfterValidator(_cron)] = "0 6 * * *"
    lookback_days: int = Field(default=14, ge=0)
    retention_days: int = Field(default=90, ge=1)
    history_days: int | None = Field(default=None, ge=1)


@dataclass(frozen=True)
class LoadLimits:
    """Limits for a full load; see `Source` for each."""

    max_missing: float
    max_emptied: float
    withdraw_after: int


class Source(Defaults):
    """A part of NCBI Virus that the warehouse follows: its request and settings.

    Attributes:
        name: its name in tables, DAGs and files.
        request: the taxon, the API's filters and the reports.
        is_entry: whether it is given to a run as an entry, and not read from a sources file.
        allow_empty: whether a full load may be empty.
        reuse_hours: how long after its request a package may serve other windows, in hours.
        max_missing: the largest share of the held records that a full load may lack.
        max_emptied: the largest share of the records with a field that may lose it in a full load.
        withdraw_after: how many different censuses in a row must miss a record before it counts as withdrawn.
        max_shrinkage: the largest share of the published records that the next snapshot may lack.
        max_quarantined: the largest share of a report's lines since the last snapshot that may be unreadable.
        max_odd_dates: the largest share of the records that may have new impossible dates.
        future_days: how many days after today a date may be, for time zones and wrong clocks.
        earliest_collection_date: the earliest plausible collection date.
        stale_after_days: report when NCBI's newest update is more than this many days older than the request.

    The last six are checked by the gates before publication (`publish.gates`). Null for a share or for
    `stale_after_days` switches its gate off.
    """

    name: Annotated[str, AfterValidator(_name)]
    request: VirusGenomeRequest
    is_entry: bool = False
    allow_empty: bool = False
    reuse_hours: float = Field(default=24, ge=0)
    max_missing: float = Field(default=0.05, ge=0, le=1)
    max_emptied: float = Field(default=0.1, ge=0, le=1)
    withdraw_after: int = Field(default=2, ge=1)
    max_shrinkage: float | None = Field(default=0.05, ge=0, le=1)
    max_quarantined: float | None = Field(default=0.1, ge=0, le=1)
    max_odd_dates: float | None = Field(default=0.05, ge=0, le=1)
    future_days: int = Field(default=2, ge=0)
    earliest_collection_date: Day = date(1800, 1, 1)
    stale_after_days: int | None = Field(default=21, ge=1)

    def request_since(self, updated_since: date | None, *, with_sequences: bool = True) -> VirusGenomeRequest:
        """The request for the records updated on or after a day, or for all records.

        Args:
            updated_since: the day; None for all records.
            with_sequences: whether to request the source's sequences too.
        """
        update: dict[str, object] = {"updated_since": updated_since}
        if not with_sequences:
            update["include_sequence"] = (SequenceType.NONE,)
        return self.request.model_copy(update=update)

    @property
    def molecules(self) -> list[Molecule]:
        """The molecules whose sequences are requested."""
        return molecules_of(self.request.include_sequence)

    @property
    def limits(self) -> LoadLimits:
        """The limits for a load of the source."""
        return LoadLimits(self.max_missing, self.max_emptied, self.withdraw_after)

    @property
    def fingerprint(self) -> str:
        """A hash of the filters, reports and sequences requested; a change loads the source in full again."""
        return _fingerprint(self.request, exclude={*_NO_FILTERS, *_SWITCHES})

    @property
    def fingerprints_of_same_filters(self) -> frozenset[str]:
        """The fingerprints of all requests for the same records, with any reports, sequences and switches.

        Runs with these bring no records of other filters. Earlier versions included the switches.
        """
        # Requests list each report and each molecule once, in this order.
        reports = [chosen for size in range(len(ReportType) + 1) for chosen in combinations(ReportType, size)]
        sequences = [chosen for size in range(1, len(_SEQUENCES) + 1) for chosen in combinations(_SEQUENCES, size)]
        switches = [dict(zip(_SWITCHES, values, strict=True)) for values in product(*_SWITCHES.values())]
        requests = (
            self.request.model_copy(update={"aux_report": chosen, "include_sequence": molecules, **switched})
            for chosen, molecules, switched in product(reports, [(SequenceType.NONE,), *sequences], switches)
        )
        return frozenset(_fingerprint(request, exclude=_NO_FILTERS) for request in requests)


DEFAULT_LIMITS = LoadLimits(**{field.name: Source.model_fields[field.name].default for field in fields(LoadLimits)})
"""Limits of a source that sets none."""


@dataclass
class SourcesFile:
    """What one file says.

    Attributes:
        path: of the file.
        sources: the valid sources, by name.
        errors: what is wrong with the others.
        alerts: the settings of the alerts; None without any, or when they are invalid.
        alerts_error: what is wrong with them; None if nothing is.
    """

    path: Path
    sources: dict[str, Source] = field(default_factory=dict)
    errors: dict[str, SourceError] = field(default_factory=dict)
    alerts: AlertSettings | None = None
    alerts_error: SourceError | None = None

    def source(self, name: str) -> Source:
        """The source of that name.

        Raises:
            SourceError: when it is missing or invalid.
        """
        if name in self.errors:
            raise self.errors[name]
        if name not in self.sources:
            known = ", ".join(sorted({*self.sources, *self.errors})) or "none"
            raise UnknownSource(f"{self.path}: no source is named {name!r}; the file has {known}")
        return self.sources[name]


_SOURCE_KEYS = {*_REQUEST_KEYS, *Source.model_fields} - {"name", "request", "is_entry"}


def sources_path() -> Path:
    """The sources file: `VIRUS_SOURCES`, or `include/sources.yaml` of the checkout.

    Without a checkout, it is `sources.yaml` in the data folder.
    """
    if given := os.environ.get("VIRUS_SOURCES"):
        return Path(given)
    if CHECKOUT:
        return CHECKOUT / "include" / "sources.yaml"
    return DataFolder.to_read().root / "sources.yaml"


def read_sources(path: Path | None = None) -> SourcesFile:
    """Read a sources file. An invalid source does not affect the others, and invalid alerts affect no source.

    Args:
        path: the file; the default is `sources_path()`.

    Raises:
        SourceError: when the file as a whole cannot be read.
    """
    path = path or sources_path()
    document = _read_yaml(path)
    for key, value in document.items():
        if isinstance(value, _GivenTwice):
            raise SourceError(f"{path}: key {key!r}: given twice, on lines {_listed(value.lines)}")
    unknown = set(map(str, document)) - {"defaults", "sources", "alerts"}
    if unknown:
        raise SourceError(
            f"{path}: unknown key {sorted(unknown)[0]!r}; a sources file has 'defaults', 'sources' and 'alerts'"
        )
    entries = document.get("sources")
    if not isinstance(entries, dict) or not entries:
        raise SourceError(f"{path}: no sources; add at least one under 'sources', such as mpox: {{taxon: 10244}}")
    given = document.get("defaults")
    try:
        if given is not None and not isinstance(given, dict):
            raise SourceError(f"{path}: defaults: not a mapping of keys such as lookback_days: 14")
        for key, value in (given or {}).items():
            if isinstance(value, _GivenTwice):
                raise SourceError(f"{path}: defaults: key {key!r}: given twice, on lines {_listed(value.lines)}")
        defaults = Defaults.model_validate(given or {})
    except ValidationError as error:
        raise SourceError(f"{path}: defaults: {_first_problem(error)}") from error
    read = SourcesFile(path)
    for name, entry in entries.items():
        try:
            read.sources[str(name)] = _read_source(path, name, entry, defaults)
        except SourceError as error:
            read.errors[str(name)] = error
    if document.get("alerts") is not None:
        try:
            read.alerts = _read_alerts(path, document["alerts"], {*read.sources, *read.errors})
        except SourceError as error:
            read.alerts_error = error
    return read


def source_of(entry: Mapping[str, Any]) -> Source:
    """A source that is not in a file.

    Args:
        entry: its `name`, and the keys of an entry of a sources file.

    Raises:
        SourceError: when it has no name, or a key is invalid.
    """
    name = str(entry.get("name") or "")
    if not name:
        raise SourceError("source: key 'name': absent; it names the source of the records")
    keys = {key: value for key, value in entry.items() if key != "name"}
    return _read_source("source", name, keys, Defaults()).model_copy(update={"is_entry": True})


def valid_sources(path: Path | None = None) -> list[Source]:
    """The valid sources, whatever is wrong with the others; none when the file cannot be read.

    For code that runs the valid sources; `read_sources` reports the errors.
    """
    return list(valid_part(path).sources.values())


def valid_part(path: Path | None = None) -> SourcesFile:
    """What is valid in the sources file, like `valid_sources`, with the alerts."""
    try:
        return read_sources(path)
    except SourceError:
        return SourcesFile(path or sources_path())


def refuse_unknown_source(name: str, known: Collection[str]) -> None:
    """Refuse a name that may be mistyped.

    Args:
        name: the name.
        known: the names of all sources that it may be.

    Raises:
        UnknownSource: when it is none of these.
    """
    if name not in known:
        raise UnknownSource(f"no source is named {name!r}; known are {', '.join(sorted(known)) or 'none'}")


def _fingerprint(request: VirusGenomeRequest, exclude: set[str]) -> str:
    asked = request.model_dump(mode="json", exclude=exclude, exclude_defaults=True)
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def limits_of(name: str) -> LoadLimits:
    """The limits that the sources file sets for a source; the defaults where it is silent or cannot be read."""
    for source in valid_sources():
        if source.name == name:
            return source.limits
    return DEFAULT_LIMITS


def _read_source(path: Path | str, name: object, entry: object, defaults: Defaults) -> Source:
    if isinstance(entry, _GivenTwice):
        raise SourceError(f"{path}: source {name!r}: given twice, on lines {_listed(entry.lines)}; rename one")
    if not isinstance(entry, dict):
        raise SourceError(f"{path}: source {name!r}: not a mapping of keys such as taxon: 10244")
    for key, value in entry.items():
        if isinstance(value, _GivenTwice):
            raise SourceError(f"{path}: source {name!r}: key {key!r}: given twice, on lines {_listed(value.lines)}")
    unknown = sorted(set(map(str, entry)) - _SOURCE_KEYS)
    if unknown:
        known = ", ".join(sorted(_SOURCE_KEYS))
        raise SourceError(f"{path}: source {name!r}: key {unknown[0]!r}: unknown key; a source may set {known}")
    try:
        request = VirusGenomeRequest(
            **{parameter: entry[key] for key, parameter in _REQUEST_KEYS.items() if key in entry}
        )
        if PROTEIN.requested_as in request.include_sequence and ReportType.ANNOTATION not in request.aux_report:
            raise SourceError(
                f"{path}: source {name!r}: key 'sequences': PROTEIN needs the annotation report, which says whose a "
                f"protein is; add aux_reports: [ANNOTATION]"
            )
        own = {key: value for key, value in entry.items() if key not in _REQUEST_KEYS}
        return Source.model_validate({**defaults.model_dump(), **own, "name": name, "request": request})
    except ValidationError as error:
        raise SourceError(f"{path}: source {name!r}: {_first_problem(error)}") from error


def _read_alerts(path: Path, given: object, sources: Collection[str]) -> AlertSettings:
    where = f"{path}: alerts"
    _refuse_given_twice(where, given)
    try:
        settings = AlertSettings.model_validate(given)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise SourceError(f"{where}: {f'key {place!r}: ' if place else ''}{_what_is_wrong(problem)}") from error
    if strangers := sorted(settings.named_sources - set(sources)):
        raise SourceError(
            f"{where}: rules: no source is named {strangers[0]!r}; known are {', '.join(sorted(sources))}"
        )
    return settings


def _refuse_given_twice(where: str, given: object) -> None:
    """Refuse repeated keys, at any depth."""
    for key, value in given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ():
        if isinstance(value, _GivenTwice):
            raise SourceError(f"{where}: key {key!r}: given twice, on lines {_listed(value.lines)}")
        _refuse_given_twice(where, value)


def _listed(lines: tuple[int, ...]) -> str:
    return " and ".join(str(line) for line in lines)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    parameter = ".".join(str(part) for part in problem["loc"])
    key = _KEYS_OF_PARAMETERS.get(parameter, parameter)
    if problem["type"] == "missing":
        return f"key {key!r}: absent; every source needs one"
    if problem["type"] == "extra_forbidden":
        return f"key {key!r}: unknown key; defaults may set {', '.join(sorted(Defaults.model_fields))}"
    if key == "name":  # in a sources file it is no key
        return f"the name of the source: {_what_is_wrong(problem)}"
    return f"key {key!r}: {_what_is_wrong(problem)}"


_IN_WORDS = {
    "extra_forbidden": "unknown key",
    "model_type": "not a mapping of keys",
    "dict_type": "not a mapping of keys",
    "tuple_type": "not a list",
}


def _what_is_wrong(problem: ErrorDetails) -> str:
    if problem["type"] in _IN_WORDS:
        return _IN_WORDS[problem["type"]]
    message = problem["msg"].removeprefix("Value error, ")
    return message + (f", not {problem['input']!r}" if problem["type"] != "value_error" else "")


@dataclass(frozen=True)
class _GivenTwice:
    """The value of a key that a mapping repeats: YAML would silently keep the last one."""

    lines: tuple[int, ...]


class _Loader(yaml.SafeLoader):
    """A YAML loader that marks repeated keys with `_GivenTwice` and keeps dates as text.

    YAML itself would reject the whole file for one bad date; as text, the error can name the source.
    """


def _construct_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    lines: dict[Any, tuple[int, ...]] = {}
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge" or not isinstance(key_node, yaml.ScalarNode):
            continue  # merged keys may be overridden; non-scalar keys are rejected below
        key = loader.construct_object(key_node, deep=True)
        lines[key] = (*lines.get(key, ()), key_node.start_mark.line + 1)
    mapping = loader.construct_mapping(node, deep=True)
    return {key: _GivenTwice(lines[key]) if len(lines.get(key, ())) > 1 else value for key, value in mapping.items()}


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: str(node.value))


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror}); set VIRUS_SOURCES to the sources file"
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506  # nosec B506
    except (yaml.YAMLError, ValueError) as error:
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        mark = getattr(error, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark else ""
        raise SourceError(f"{path}: {problem}{where}") from error
    if document is None:
        raise SourceError(f"{path}: the file is empty; add at least one source under 'sources'")
    if not isinstance(document, dict):
        raise SourceError(f"{path}: not a mapping with the keys 'defaults' and 'sources'")
    return document
