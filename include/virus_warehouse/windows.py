"""Which update dates a run asks for and merges: its mode and window, from the ledger."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from duckdb import DuckDBPyConnection

from virus_warehouse.run_mode import CENSUS, FULL, INCREMENTAL, REPLAY, REQUESTABLE, WINDOW
from virus_warehouse.sources import Source
from virus_warehouse.warehouse import ledger


class WindowError(ValueError):
    """A window that cannot be meant; says which, and what is allowed."""


@dataclass(frozen=True)
class Window:
    """The window of a run.

    Attributes:
        mode: `incremental` follows the watermark, `window` covers given days and never moves it, `full` asks
            for everything.
        updated_since: first update date asked for; None asks for all.
        until: update date before which rows are merged; None without a bound.
        watermark: the watermark before the run; None before the first full load.
        filter_changed: whether rows may be held that other filters showed.
        is_census: whether a full load also concludes which records are gone.
        reports_changed: whether, with the same filters, other reports were asked for before.
    """

    mode: str
    updated_since: date | None
    until: date | None
    watermark: date | None
    filter_changed: bool
    is_census: bool = False
    reports_changed: bool = False


@dataclass(frozen=True)
class WindowRequest:
    """What a person or a backfill asks for. Nothing asked: follow the watermark.

    Attributes:
        mode: one of `REQUESTABLE`; None for `window` when days are given and `incremental` otherwise.
        since: first update date to cover.
        until: update date to stop before.
    """

    mode: str | None = None
    since: date | None = None
    until: date | None = None

    def validate(self, today: date) -> None:
        """Stop a run before anything is asked of NCBI that cannot be meant.

        Args:
            today: the day in UTC.

        Raises:
            WindowError: when the days do not fit the mode, each other or the calendar.
        """
        if self.mode is not None and self.mode not in REQUESTABLE:
            raise WindowError(f"mode is {self.mode!r}; allowed are {', '.join(REQUESTABLE)}")
        has_days = self.since is not None or self.until is not None
        if has_days and self.mode not in (None, WINDOW):
            raise WindowError(f"since and until belong to a window; leave them empty or drop mode {self.mode!r}")
        if self.since is None and (self.mode == WINDOW or self.until is not None):
            raise WindowError("a window needs its first day: set since, as in 2026-11-01")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise WindowError(
                f"the window from {self.since} until {self.until} holds no day; until is exclusive and must be later"
            )
        if self.since is not None and self.since > today:
            raise WindowError(f"the window from {self.since} lies in the future; today is {today}, in UTC")

    @staticmethod
    def day(value: date | str | None) -> date | None:
        """A day as a person or a template gives it; a time counts as its day in UTC, text without one as unset.

        Raises:
            WindowError: when it cannot be read.
        """
        if value is None or (isinstance(value, str) and value.strip() in ("", "None")):
            return None
        try:
            moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        except ValueError:
            raise WindowError(f"{value!r} is no day; write it as in 2026-11-01") from None
        if isinstance(moment, datetime):
            return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
        return moment

    @property
    def effective_mode(self) -> str:
        """The mode that is meant, before the ledger has been asked."""
        if self.mode == CENSUS:
            return FULL
        return self.mode or (INCREMENTAL if self.since is None and self.until is None else WINDOW)


WindowWish = WindowRequest
"""The name under which callers of `ingest` know it."""


def plan_window(
    session: DuckDBPyConnection, source: Source, origin: ledger.RunOrigin, window_request: WindowRequest
) -> Window:
    """The window of a run; to be called within a transaction on the attached warehouse.

    An incremental run asks from `lookback_days` before the watermark: NCBI's index lags behind its own dates
    (NCBI issues #309, #488). Without a watermark, or when rows of other filters may be held, it loads in full. A
    further try of the same DAG run gets the window of the first.

    Raises:
        WindowError: when what is asked for cannot be meant.
    """
    window_request.validate(datetime.now(UTC).date())
    watermark = ledger.watermark(session, source.name, source.fingerprint)
    changed = ledger.may_hold_rows_of_other_filters(session, source.name, source.fingerprint)
    # What other filters have shown came with another fingerprint too, so most runs need not ask.
    filter_changed = changed and ledger.may_hold_rows_of_other_filters(
        session, source.name, *source.fingerprints_of_same_filters
    )
    window = partial(Window, filter_changed=filter_changed, reports_changed=changed and not filter_changed)
    if window_request.effective_mode == WINDOW:
        return window(WINDOW, window_request.since, window_request.until, watermark)
    if window_request.effective_mode in (FULL, REPLAY):
        return window(window_request.effective_mode, None, None, watermark, is_census=window_request.mode == CENSUS)
    earlier = ledger.earlier_window(session, source.name, source.fingerprint, origin, (INCREMENTAL, FULL))
    # Rows that another filter ended in between come back with a full load only.
    if earlier is not None and not (changed and earlier[0] == INCREMENTAL):
        return window(*earlier, watermark)
    if changed or watermark is None:
        return window(FULL, None, None, watermark)
    return window(INCREMENTAL, watermark - timedelta(days=source.lookback_days), None, watermark)
