"""The mode and window of a run: which update dates it requests and merges."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from duckdb import DuckDBPyConnection

from virus_warehouse.failure import UsageError
from virus_warehouse.run_mode import CENSUS, FULL, INCREMENTAL, REPLAY, REQUESTABLE, WINDOW
from virus_warehouse.sources import Source
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.committed_runs import CommittedRuns

_DAYS = "`--since` and `--until`, or Since and Until in the form,"


class WindowError(UsageError):
    """An invalid window; says why, and what is allowed."""


@dataclass(frozen=True)
class Window:
    """The window of a run.

    Attributes:
        mode: `incremental` follows the watermark, `window` covers given days and never moves it, `full` requests
            everything.
        updated_since: first update date requested; None for all.
        until: update date before which rows are merged; None without a bound.
        watermark: the watermark before the run; None before the first full load.
        filter_changed: whether the warehouse may have rows loaded with other filters.
        is_census: whether a full load also finds the missing records.
        reports_changed: whether, with the same filters, other reports or sequences were requested before.
        with_sequences: whether to request the source's sequences. A census of a source that has them does without, and
            a replay requests nothing.
    """

    mode: str
    updated_since: date | None
    until: date | None
    watermark: date | None
    filter_changed: bool
    is_census: bool = False
    reports_changed: bool = False
    with_sequences: bool = True


@dataclass(frozen=True)
class WindowRequest:
    """The window that a person or a backfill requests; by default it follows the watermark.

    Attributes:
        mode: one of `REQUESTABLE`; None for `window` when days are given and `incremental` otherwise.
        since: first update date to cover.
        until: end of the window, exclusive.
    """

    mode: str | None = None
    since: date | None = None
    until: date | None = None

    def validate(self, today: date) -> None:
        """Reject an invalid window before any request is sent.

        Args:
            today: the day in UTC.

        Raises:
            WindowError: when the days do not fit the mode, each other or the calendar.
        """
        if self.mode is not None and self.mode not in REQUESTABLE:
            raise WindowError(f"mode is {self.mode!r}; allowed are {', '.join(REQUESTABLE)}")
        has_days = self.since is not None or self.until is not None
        if has_days and self.mode not in (None, WINDOW):
            raise WindowError(f"{_DAYS} belong to a window: leave out either the days or the mode {self.mode!r}")
        if self.since is None and (self.mode == WINDOW or self.until is not None):
            raise WindowError(f"a window needs a first day, such as 2026-11-01: {_DAYS} take the days")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise WindowError(
                f"the window from {self.since} until {self.until} is empty: its end is exclusive and must be later"
            )
        if self.since is not None and self.since > today:
            raise WindowError(f"the window from {self.since} is in the future; today is {today}, in UTC")

    @staticmethod
    def day(value: date | str | None) -> date | None:
        """Parse a day of a request or template; a time counts as its day in UTC, blank text as unset.

        Raises:
            WindowError: when it cannot be read.
        """
        if value is None or (isinstance(value, str) and value.strip() in ("", "None")):
            return None
        try:
            moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        except ValueError:
            raise WindowError(f"{value!r} is not a day; write it like 2026-11-01") from None
        if isinstance(moment, datetime):
            return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
        return moment

    @property
    def effective_mode(self) -> str:
        """The requested mode, before looking at the ledger."""
        if self.mode == CENSUS:
            return FULL
        return self.mode or (INCREMENTAL if self.since is None and self.until is None else WINDOW)


WindowWish = WindowRequest
"""The name under which other programs use it."""


def plan_window(
    session: DuckDBPyConnection,
    runs: CommittedRuns,
    source: Source,
    origin: ledger.RunOrigin,
    window_request: WindowRequest,
) -> Window:
    """The window of a run; to be called within a transaction on the attached warehouse.

    An incremental run starts `lookback_days` before the watermark: NCBI's index lags behind its own dates (NCBI
    issues #309, #488). Without a watermark, or when there may be rows of other filters, it loads in full. A retry of
    the same DAG run gets the window of the first try.

    Raises:
        WindowError: when the requested window is invalid.
    """
    window_request.validate(datetime.now(UTC).date())
    watermark = runs.watermark(source.fingerprint)
    changed = runs.may_hold_rows_of_other_filters(source.fingerprint)
    # Rows of other filters have another fingerprint too, so most runs can skip this query.
    filter_changed = changed and runs.may_hold_rows_of_other_filters(*source.fingerprints_of_same_filters)
    window = partial(Window, filter_changed=filter_changed, reports_changed=changed and not filter_changed)
    if window_request.effective_mode == WINDOW:
        return window(WINDOW, window_request.since, window_request.until, watermark)
    if window_request.effective_mode in (FULL, REPLAY):
        is_census = window_request.mode == CENSUS
        # A first load, or one after a change of the source, has to bring the sequences.
        is_needed = not is_census or changed or watermark is None
        return window(
            window_request.effective_mode,
            None,
            None,
            watermark,
            is_census=is_census,
            with_sequences=is_needed and window_request.effective_mode == FULL,
        )
    earlier = ledger.earlier_window(session, source.name, source.fingerprint, origin, (INCREMENTAL, FULL))
    # Rows ended by another filter in between only come back with a full load.
    if earlier is not None and not (changed and earlier[0] == INCREMENTAL):
        return window(*earlier, watermark)
    if changed or watermark is None:
        return window(FULL, None, None, watermark)
    return window(INCREMENTAL, watermark - timedelta(days=source.lookback_days), None, watermark)
