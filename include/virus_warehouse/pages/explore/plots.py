"""The plots of the page Explore: queries on the snapshot's marts, filtered by virus, place and time.

A plot's query has no variables, so it can be pasted into any SQL prompt.
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
"""The default period, in days."""

SECONDS = 20
"""Time limit for a query. Those of a million records take half a second."""

FEW_RECORDS = 20
"""Months with fewer records are drawn pale, because their shares mean little."""

_ANSWERS_KEPT = 48
_PLACE_OF_FILTERS = "/* filters */ true"
_SAMPLING = "Sequenced samples are not a random sample of circulating viruses, and records are not cases."
_WEEKLY = (
    "By ISO week of collection. Records without an exact week are excluded. Recent months are incomplete, because "
    f"records are released long after their collection. {_SAMPLING}"
)


class AskedTooMuch(RuntimeError):
    """A query was stopped because it exceeded its time or memory limit."""


@dataclass(frozen=True)
class Filters:
    """The reader's filters.

    Attributes:
        virus: NCBI Taxonomy ID of a virus taxon, with everything under it; None for all.
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
        name: its name in URLs, and of its SQL file.
        title: the question, in a few words.
        explanation: how records are counted, with caveats.
        chart: the kind of chart (see `charts`).
        over: column of the chart's first axis.
        amount: numeric column to draw.
        amount_title: what that number is.
        series: column for the colours; None for one colour.
        is_of_one_virus: whether it is about one virus whatever the filters are.
        since: column for the first day of the filters.
        until: column for the last day of the filters.
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
        "Share of each Pango lineage in the records of a month that have one, as assigned by NCBI; a lineage does not "
        f"include its sublineages. Months of fewer than {FEW_RECORDS} records are pale: their shares mean little.",
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
        "Days from collection to release, by month of release. The period filters by day of release. Records without "
        "an exact day of collection are excluded.",
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
        f"The twenty hosts with the most records whose possible collection dates are all in the period.  {_SAMPLING}",
        chart="ranked",
        over="host",
        amount="records",
        amount_title="records",
    ),
    Plot(
        "places",
        "Places",
        "The twenty-five countries and seas with the most records whose possible collection dates are all in the "
        f"period. {_SAMPLING}",
        chart="ranked",
        over="country",
        amount="records",
        amount_title="records",
    ),
)
"""Every plot, in the order of the page."""


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
    """The choices offered by the filters.

    Attributes:
        groups: NCBI Taxonomy ID and name of taxa with several viruses, those with the most records first.
        viruses: the same for single viruses.
        countries: every country of a record, by name.
    """

    groups: Sequence[tuple[int, str]]
    viruses: Sequence[tuple[int, str]]
    countries: Sequence[str]


def plot_named(name: str) -> Plot | None:
    """The plot of that name; None if there is none."""
    return next((plot for plot in PLOTS if plot.name == name), None)


def usual_filters(today: date) -> Filters:
    """The default filters: all viruses and countries, and the year up to today."""
    return Filters(since=today - timedelta(days=USUAL_DAYS))


def plot_sql(plot: Plot, filters: Filters) -> str:
    """The query of a plot with the filters inserted."""
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
    """The result of a query on the snapshot, cached.

    Args:
        data: the data folder.
        sql: a query without parameters.

    Raises:
        NoSnapshot: when nothing has been published yet.
        AskedTooMuch: when it exceeds its time or memory limit.
    """
    # After a publication in between, the result is cached under the old edition, which is no longer used.
    return _answer(data, edition(data), sql)


def choices(data: DataFolder) -> Choices:
    """The choices offered by the filters on this snapshot.

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
            raise AskedTooMuch(f"the query took longer than {SECONDS} seconds: narrow the filters") from error
        except duckdb.OutOfMemoryException as error:
            raise AskedTooMuch("the query exceeds its memory limit: narrow the filters") from error
        finally:
            stop.cancel()


def _under(tax_id: int) -> str:
    return f"virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = {tax_id:d})"
