"""The expected contents of the warehouse after any runs, in plain Python: written from the design, not from the code.

Requests are numbered: a package with a higher number was requested later.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import chain

from tests.support.fake_ncbi import BadLine, Genome, Line, is_shown_to

INCREMENTAL, WINDOW, FULL, CENSUS, REPLAY = "incremental", "window", "full", "census", "replay"
LOOKBACK = timedelta(days=3)
WITHDRAW_AFTER = 2
FEW, MAX_MISSING = 2, 0.5
"""The number and the share of records that may be missing at once."""


class MassLoss(Exception):
    """A full package lacks too many of the records held."""


@dataclass(frozen=True)
class RunRequest:
    """A run request. In mode `window` the days are given, in the other modes they come from the ledger.

    `has_sequences` says whether a source that asks for sequences asks for them here, too.
    """

    mode: str = INCREMENTAL
    since: date | None = None
    until: date | None = None
    is_census: bool = False
    has_sequences: bool = True

    def holds(self, day: date) -> bool:
        return self.mode != WINDOW or (self.since <= day and (self.until is None or day < self.until))  # type: ignore[operator]


@dataclass(frozen=True)
class Package:
    """NCBI's response to one request."""

    number: int
    filters: str
    dag_run: str | None
    window: RunRequest
    lines: tuple[Line | BadLine, ...]
    family: str
    genomes: tuple[Genome, ...] | None = None
    """Its FASTA file; None where none was requested."""

    @property
    def readable(self) -> list[Line]:
        return [line for line in self.lines if isinstance(line, Line)]

    @property
    def bad(self) -> list[BadLine]:
        return [line for line in self.lines if isinstance(line, BadLine)]

    @property
    def listed(self) -> set[str | None]:
        """The records on its lines, readable or not."""
        return {line.accession for line in self.lines}

    def reach(self, requested_on: date) -> date:
        """The last update date that NCBI's index had reached."""
        return max(
            (line.update_date for line in self.readable if line.update_date <= requested_on), default=requested_on
        )


@dataclass(frozen=True)
class Run:
    """A run that commits."""

    run_id: str
    committed_at: datetime
    requested_at: datetime
    filters: str
    dag_run: str | None
    accepts_missing: bool = False


@dataclass
class State:
    """A record as the warehouse holds it, or held it until `valid_to`."""

    line: Line
    valid_from: datetime
    run_id: str
    valid_to: datetime | None = None
    ended_by: str | None = None
    ended_run_id: str | None = None
    missing_since: datetime | None = None
    missed_by: frozenset[int] = frozenset()
    is_accepted: bool = False

    def find(self) -> None:
        """Record that NCBI lists it."""
        self.missing_since, self.missed_by, self.is_accepted = None, frozenset(), False

    def miss(self, package: Package, run: Run, *, is_accepted: bool) -> None:
        """Record that a census does not list it."""
        self.missing_since = self.missing_since or run.requested_at
        self.missed_by |= {package.number}
        self.is_accepted |= is_accepted

    def end(self, run: Run, reason: str) -> "State":
        return replace(self, valid_to=run.committed_at, ended_by=reason, ended_run_id=run.run_id)


@dataclass(frozen=True)
class Revision:
    """The step from one state of a record to the next."""

    old: State
    new: State

    def changes(self) -> Iterator[tuple[object, ...]]:
        """Each field that differs. A date that changed in place later counts as the state's own."""
        old, new = self.old.line, self.new.line
        for name, value in {**old.content, "update_date": old.update_date}.items():
            new_value = {**new.content, "update_date": new.update_date}[name]
            if value != new_value:
                yield (new.accession, self.new.valid_from, self.new.run_id, name, _text(value), _text(new_value))


@dataclass
class FollowedSource:
    """The expected state of one source.

    Attributes:
        asks: whether it asks for the genomes of its records.
        genomes: their letters, by accession.version.
        mismatches: the names of genomes that are open: with the accession of each.
        counted: the outcomes of the genomes of its last run; None if that asked for none.
    """

    asks: bool = False
    genomes: dict[str, str] = field(default_factory=dict)
    mismatches: dict[str, str] = field(default_factory=dict)
    counted: Counter[str] | None = None
    held: dict[str, State] = field(default_factory=dict)
    history: list[State] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    quarantine: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """For each refused line its first run, its last run, and that one's filters."""
    watermarks: dict[str, date] = field(default_factory=dict)
    archive: list[Package] = field(default_factory=list)
    accepted: set[int] = field(default_factory=set)
    """The packages that a run has committed: only those stand for other days."""
    newest_request: int = 0
    is_rebuildable: bool = True
    """Whether its archive is complete: after a full load that was the newest, or before any load."""
    first_windows: dict[tuple[str | None, str], RunRequest] = field(default_factory=dict)
    committed_dag_runs: set[str | None] = field(default_factory=set)
    filters_shown: set[str] = field(default_factory=set)
    """The filters of the packages merged since the last full load that could end records outside its own filters."""

    def window(self, window_request: RunRequest, filters: str, dag_run: str | None) -> RunRequest:
        """The days that a run requests (section 6)."""
        if window_request.mode == CENSUS:
            is_new = self.filter_changed(filters) or filters not in self.watermarks
            return RunRequest(FULL, is_census=True, has_sequences=is_new)
        if window_request.mode != INCREMENTAL:
            return window_request
        changed = self.filter_changed(filters)
        watermark = self.watermarks.get(filters)
        planned = RunRequest(FULL) if changed or watermark is None else RunRequest(INCREMENTAL, watermark - LOOKBACK)
        if dag_run is None:
            return planned
        first = self.first_windows.setdefault((dag_run, filters), planned)
        return planned if changed else first

    def filter_changed(self, filters: str) -> bool:
        """Whether there may be rows from packages of other filters."""
        return bool(self.filters_shown - {filters})

    def archived(self, window: RunRequest, filters: str, dag_run: str | None, *, reuses: bool) -> Package | None:
        """The package that replaces a download: an earlier try's, or for a window one that covers it."""
        newest_first = [package for package in reversed(self.archive) if package.filters == filters]
        if dag_run is not None and dag_run not in self.committed_dag_runs:
            for package in newest_first:
                is_same = replace(package.window, has_sequences=window.has_sequences) == window
                if package.dag_run == dag_run and is_same and self._serves(package, window):
                    return package
        if window.mode == WINDOW and window.until is not None and reuses:
            for package in newest_first:
                if package.number not in self.accepted:
                    continue
                is_from_before = package.window.since is None or package.window.since <= window.since  # type: ignore[operator]
                if is_from_before and self._serves(package, window):
                    return package
        return None

    def _serves(self, package: Package, window: RunRequest) -> bool:
        return package.genomes is not None or not self.asks_in(window)

    def asks_in(self, window: RunRequest) -> bool:
        """Whether a run asks for genomes."""
        return self.asks and window.has_sequences

    def merge(self, package: Package, window: RunRequest, run: Run) -> Counter[str]:
        """Merge a package; the number of lines by outcome (section 5)."""
        is_newest = package.number >= self.newest_request
        held_before = len(self.held)
        best: dict[str, Line] = {}
        for line in package.readable:
            if line.accession not in best or line.rank >= best[line.accession].rank:
                best[line.accession] = line
        counts = Counter(quarantined=len(package.bad), duplicate=len(package.readable) - len(best))
        for line in best.values():
            counts[self._merge_line(line, window, run, is_newest)] += 1
        if is_newest:
            for accession in package.listed & self.held.keys():
                self.held[accession].find()  # type: ignore[index]
        is_full = window.mode == FULL and is_newest
        if is_full:
            if self.filter_changed(run.filters):
                held_before -= self._end_filtered(package, run)
            if window.is_census:
                counts += self._take_census(package, run, held_before)
            else:
                self._refuse_mass_loss(len(self._absent(package)), held_before, run)
            self.filters_shown = set()
            self.is_rebuildable = True
        elif not self.newest_request:
            self.is_rebuildable = False
        self.filters_shown |= {run.filters}
        self._merge_genomes(package, window, is_newest=is_newest, is_full=is_full)
        self.newest_request = max(self.newest_request, package.number)
        self.accepted |= {package.number}
        self.committed_dag_runs |= {run.dag_run}
        for bad in package.bad:
            first_run, *_ = self.quarantine.get(bad.text, (run.run_id,))
            self.quarantine[bad.text] = (first_run, run.run_id, run.filters)
        if window.mode != WINDOW and (package.genomes is not None or not self.asks):
            self._move_watermark(package.readable, run)
        return +counts

    def _merge_genomes(self, package: Package, window: RunRequest, *, is_newest: bool, is_full: bool) -> None:
        """Compare each genome with its record, and store what is new."""
        self.counted = None
        if not self.asks:
            return
        given = package.genomes
        reported = {f"{line.accession}.{line.version}": line for line in package.readable}
        accessions = {line.accession for line in package.readable}
        first: dict[str, str] = {}
        found: dict[str, str] = {}
        brought: set[str] = set()
        counts: Counter[str] = Counter(records=len(given or ()))
        for name, letters in given or ():
            accession = name.partition(".")[0]
            is_repeated = name in first
            fits = name in reported and len(letters) == reported[name].length and letters == first.get(name, letters)
            first.setdefault(name, letters)
            if not fits:
                counts["mismatched" if accession in accessions else "orphaned"] += 1
                found[name] = accession
                continue
            brought |= {accession}
            if is_repeated or self.genomes.get(name) == letters or (name in self.genomes and not is_newest):
                counts["unchanged"] += 1
            else:
                counts["stored"] += 1
                self.genomes[name] = letters
        missing = reported.keys() - first.keys() - self.genomes.keys()
        if given is not None:
            self.counted = counts + Counter(missing=len(missing))
        lacking = {f"{accession}.{state.line.version}" for accession, state in self.held.items()} - self.genomes.keys()
        self.mismatches = {
            name: accession
            for name, accession in self.mismatches.items()
            if name in lacking or not (accession in brought or (is_full and given is not None))
        }
        self.mismatches |= found | {name: name.partition(".")[0] for name in missing}

    def _merge_line(self, line: Line, window: RunRequest, run: Run, is_newest: bool) -> str:
        held = self.held.get(line.accession)
        if not window.holds(line.update_date):
            return "out_of_window"
        if held is None:
            was_seen = any(state.line.accession == line.accession for state in self.history)
            if was_seen and not is_newest:
                return "stale"
            self.held[line.accession] = State(line, run.committed_at, run.run_id)
            return "inserted"
        is_same = line.content == held.line.content
        if is_same and line.update_date == held.line.update_date:
            return "unchanged"
        if line.rank < held.line.rank or (line.rank == held.line.rank and not is_newest):
            return "stale"
        if is_same:
            held.line = line
            return "touched"
        self._revise(held, line, run)
        return "revised"

    def _revise(self, held: State, line: Line, run: Run) -> None:
        old, new = held.end(run, "revision"), State(line, run.committed_at, run.run_id)
        self.history.append(old)
        self.revisions.append(Revision(old, new))
        self.held[line.accession] = new

    def _end_filtered(self, package: Package, run: Run) -> int:
        """End the records that the filters exclude; returns their number. Others that are absent are missing."""
        excluded = [name for name in self._absent(package) if not is_shown_to(run.filters, self.held[name].line)]
        self.history += [self.held.pop(accession).end(run, "filter") for accession in excluded]
        return len(excluded)

    def _absent(self, package: Package) -> set[str]:
        return self.held.keys() - package.listed

    def _take_census(self, package: Package, run: Run, held_before: int) -> Counter[str]:
        reach = package.reach(run.requested_at.date())
        classified = {
            accession: state
            for accession in self._absent(package)
            if (state := self.held[accession]).valid_from < run.requested_at and state.line.update_date <= reach
        }
        unaccepted = sum(not state.is_accepted for state in classified.values())
        is_accepted = self._refuse_mass_loss(unaccepted, held_before, run)
        counts = Counter(missing=0, withdrawn=0)
        for accession, state in classified.items():
            state.miss(package, run, is_accepted=is_accepted)
            is_withdrawn = len(state.missed_by) >= WITHDRAW_AFTER
            counts["withdrawn" if is_withdrawn else "missing"] += 1
            if is_withdrawn:
                self.history.append(self.held.pop(accession).end(run, "withdrawal"))
        return counts

    def _refuse_mass_loss(self, absent: int, held_before: int, run: Run) -> bool:
        """Stop the run on mass loss; returns whether it continues only because the loss was accepted."""
        is_mass = absent >= FEW and absent > held_before * MAX_MISSING
        if is_mass and not run.accepts_missing:
            raise MassLoss
        return is_mass

    def replayable(self, filters: str) -> int:
        """The number of quarantined lines that a replay reads again; it still cannot read any of them."""
        return sum(last_filters == filters for _, _, last_filters in self.quarantine.values())

    def replay(self, run: Run) -> None:
        """A run that reads the quarantine again."""
        self.counted = None
        self.committed_dag_runs |= {run.dag_run}
        self.filters_shown |= {run.filters}
        self.is_rebuildable &= bool(self.newest_request)

    def _move_watermark(self, lines: Iterable[Line], run: Run) -> None:
        shown = [line.update_date for line in lines if line.update_date <= run.requested_at.date()]
        known = [self.watermarks[run.filters]] if run.filters in self.watermarks else []
        if shown or known:
            self.watermarks[run.filters] = max(chain(shown, known))


@dataclass
class Model:
    """All sources, their common taxonomy, and the contents of the table after every run."""

    sources: dict[str, FollowedSource]
    taxa: dict[int, str] = field(default_factory=dict)
    past: list[tuple[datetime, set[tuple[object, ...]]]] = field(default_factory=list)

    def merge(self, name: str, package: Package, window: RunRequest, run: Run) -> Counter[str]:
        source = self.sources[name]
        is_newest = package.number >= source.newest_request
        counts = source.merge(package, window, run)
        if package.readable:
            taxa = {10239: "Viruses", 10240: package.family, 10244: "Monkeypox virus"}
            self.taxa = self.taxa | taxa if is_newest else taxa | self.taxa
        self.remember(run)
        return counts

    def remember(self, run: Run) -> None:
        """Remember the contents of the table after a run."""
        held = {
            (name, state.line.accession, *state.line.content.values(), state.valid_from, state.run_id)
            for name, source in self.sources.items()
            for state in source.held.values()
        }
        self.past.append((run.committed_at, held))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
