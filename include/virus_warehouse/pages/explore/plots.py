"""What the page Explore shows: questions asked of the snapshot's marts, narrowed by virus, place and time.

A plot's query is whole: it names no variable, so that it can be pasted into any prompt and answers the same there.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Any, Literal

import duckdb

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.snapshot import Edition, edition, reading
from virus_warehouse.sql_file import read_sql, sql_text

USUAL_DAYS = 365
"""How far back the plots reach when nobody has said, in days."""

SECONDS = 20
"""How long a query may take. Those of a million records take half of one."""

FEW_RECORDS = 20
"""With fewer, a month's shares say little: they are drawn pale."""

_ANSWERS_KEPT = 48
_PLACE_OF_FILTERS = "/* filters */ true"
_SAMPLING = "What is sequenced is no random sample of what circulates, and records are not cases."
_WEEKLY = (
    "By ISO week of collection; records whose date does not tell the week are left out. The last months still fill "
    f"up: records are released long after their collection. {_SAMPLING}"
)


class AskedTooMuch(RuntimeError):
    """A query was stopped: it took too long, or more memory than an answer may."""


@dataclass(frozen=True)
class Filters:
    """What the reader wants to see.

    Attributes:
        virus: NCBI Taxonomy ID of a taxon of viruses, with everything under it; None for all.
        country: as NCBI writes it; None for all.
        since: first day; None for no bound.
        until: last day; None for no bound.
    """

    virus: int | None = None
    country: str | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Plot:
    """A question that is answered with a chart.

    Attributes:
        name: what to call it by in a URL, and the name of its SQL file.
        title: the question, in a few words.
        explanation: how it is counted, and what it does not say.
        chart: how it is drawn (see `charts`).
        over: column along the chart's first axis.
        amount: column that is drawn, a number.
        amount_title: what that number is.
        series: column that gives the colours; None for one colour.
        is_of_one_virus: whether it is about one virus whatever the filters say.
        since: column that the first day of the filters is held against.
        until: column that the last day is held against.
    """

    name: str
    title: str
    explanation: str
    chart: Literal["stacked", "shares", "band", "ranked"]
    over: str
    amount: str
    amount_title: str
    series: str | None = None
    since: str = "span_start"
    until: str = "span_end"
    is_of_one_virus: bool = False


PLOTS = (
    Plot(
        "weekly_by_virus",
        "Records per week, by virus",
        _WEEKLY,
        chart="stacked",
        over="week_start",
        amount="records",
        amount_title="records",
        series="virus",
    ),
    Plot(
        "weekly_by_country",
        "Records per week, by country",
        _WEEKLY,
        chart="stacked",
        over="week_start",
        amount="records",
        amount_title="records",
        series="country",
    ),
    Plot(
        "lineage_shares",
        "Lineages of SARS-CoV-2",
        "Share of each Pango lineage in the records of a month that have one, as NCBI assigned them; no lineage "
        f"includes its sublineages. Months of fewer than {FEW_RECORDS} records are pale: their shares say little.",
        chart="shares",
        over="month_start",
        amount="percent",
        amount_title="% of the month's records",
        series="lineage",
        is_of_one_virus=True,
    ),
    Plot(
        "submission_lag",
        "From collection to release",
        "Days from collection to release, of the records released in each month. The period chooses days of release; "
        "records whose date does not tell the day of collection are left out.",
        chart="band",
        over="release_month",
        amount="half_within_days",
        amount_title="days",
        since="release_date",
        until="release_date",
    ),
    Plot(
        "top_hosts",
        "Hosts",
        "The twenty hosts with the most records; counted are those whose whole collection date lies in the period. "
        f"{_SAMPLING}",
        chart="ranked",
        over="host",
        amount="records",
        amount_title="records",
    ),
    Plot(
        "places",
        "Places",
        "The twenty-five countries and seas with the most records; counted are those whose whole collection date lies "
        f"in the period. {_SAMPLING}",
        chart="ranked",
        over="country",
        amount="records",
        amount_title="records",
    ),
)
"""Every plot, in the order in which the page offers them."""


@dataclass(frozen=True)
class Answer:
    """The rows of a query.

    Attributes:
        columns: their names.
        rows: their values, in the order of the columns.
    """

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]

    @cached_property
    def records(self) -> Sequence[Mapping[str, Any]]:
        """Each row with its columns' names."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Choices:
    """What the filters offer.

    Attributes:
        groups: NCBI Taxonomy ID and name of taxa that hold several viruses, those with the most records first.
        viruses: the same of single viruses.
        countries: every country of a record, by name.
    """

    groups: Sequence[tuple[int, str]]
    viruses: Sequence[tuple[int, str]]
    countries: Sequence[str]


def plot_named(name: str) -> Plot | None:
    """The plot of that name; None if there is none."""
    return next((plot for plot in PLOTS if plot.name == name), None)


def usual_filters(today: date) -> Filters:
    """What is shown to somebody who has chosen nothing: all viruses and countries, and the year up to today."""
    return Filters(since=today - timedelta(days=USUAL_DAYS))


def plot_sql(plot: Plot, filters: Filters) -> str:
    """The query of a plot with the filters written into it."""
    virus = None if plot.is_of_one_virus else filters.virus
    conditions = [
        *([] if virus is None else [_under(virus)]),
        *([] if filters.country is None else [f"country = {sql_text(filters.country)}"]),
        *([] if filters.since is None else [f"{plot.since} >= DATE '{filters.since.isoformat()}'"]),
        *([] if filters.until is None else [f"{plot.until} <= DATE '{filters.until.isoformat()}'"]),
    ]
    sql = read_sql(f"pages/explore/{plot.name}.sql").strip()
    return sql.replace(_PLACE_OF_FILTERS, "\n        AND ".join(conditions) or "true")


def ask(data: DataFolder, sql: str) -> Answer:
    """The answer of the snapshot to a query; the same one is not asked twice.

    Args:
        data: where the snapshot is.
        sql: a query without parameters.

    Raises:
        NoSnapshot: when nothing has been published yet.
        AskedTooMuch: when it takes too long, or too much memory.
    """
    # What is published meanwhile answers under the older one's name, which nobody asks for any more.
    return _answer(data, edition(data), sql)


def choices(data: DataFolder) -> Choices:
    """What the filters offer on this snapshot.

    Raises:
        NoSnapshot: when nothing has been published yet.
    """
    rows = ask(data, read_sql("pages/explore/choices.sql")).rows

    def of_kind(wanted: str) -> list[tuple[int, str]]:
        return [(tax_id, name) for kind, tax_id, name in rows if kind == wanted]

    return Choices(of_kind("group"), of_kind("virus"), [name for _, name in of_kind("country")])


def taxon_name(data: DataFolder, tax_id: int) -> str | None:
    """Scientific name of a taxon; None if the snapshot does not know it."""
    rows = ask(data, f"SELECT name FROM taxon WHERE tax_id = {tax_id:d}").rows
    return str(rows[0][0]) if rows else None


@lru_cache(_ANSWERS_KEPT)
def _answer(data: DataFolder, _edition: Edition, sql: str) -> Answer:
    with reading(data) as connection:
        stop = threading.Timer(SECONDS, connection.interrupt)
        stop.start()
        try:
            result = connection.execute(sql)
            return Answer([column[0] for column in result.description or ()], result.fetchall())
        except duckdb.InterruptException as error:
            raise AskedTooMuch(f"the query took longer than {SECONDS} seconds: ask for less") from error
        except duckdb.OutOfMemoryException as error:
            raise AskedTooMuch("the query needs more memory than an answer may take: ask for less") from error
        finally:
            stop.cancel()


def _under(tax_id: int) -> str:
    return f"virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = {tax_id:d})"
