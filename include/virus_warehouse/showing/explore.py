"""What the page Explore shows: questions asked of the snapshot's marts, narrowed by virus, place and time.

A plot's query is whole: it names no variable, so that it can be pasted into any prompt and answers the same there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import read_sql, sql_text

USUAL_DAYS = 365
"""How far back the plots reach when nobody has said, in days."""

_PLACE_OF_FILTERS = "/* filters */ true"
_SAMPLING = "What is sequenced is no random sample of what circulates, and records are not cases."


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


PLOTS = (
    Plot(
        "weekly_by_virus",
        "Records per week, by virus",
        f"By ISO week of collection. Records whose date does not tell the week are left out. {_SAMPLING}",
        chart="stacked",
        over="week_start",
        amount="records",
        amount_title="records",
        series="virus",
    ),
    Plot(
        "weekly_by_country",
        "Records per week, by country",
        f"By ISO week of collection. Records whose date does not tell the week are left out. {_SAMPLING}",
        chart="stacked",
        over="week_start",
        amount="records",
        amount_title="records",
        series="country",
    ),
    Plot(
        "lineage_shares",
        "Lineages of SARS-CoV-2",
        "Share of each Pango lineage in the records of a month that have one, as NCBI assigned them. Few records make "
        "a wild share: their number is in the table.",
        chart="shares",
        over="month_start",
        amount="percent",
        amount_title="% of the month's records",
        series="lineage",
    ),
    Plot(
        "submission_lag",
        "From collection to release",
        "Days until a quarter, half and three quarters of a month's released records were public. The dates choose "
        "the days of release.",
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
        f"The twenty hosts with the most records whose whole collection date lies in the period. {_SAMPLING}",
        chart="ranked",
        over="host",
        amount="records",
        amount_title="records",
    ),
    Plot(
        "places",
        "Places",
        "The twenty-five countries with the most records whose whole collection date lies in the period. The share is "
        "of all records in it.",
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

    def records(self) -> list[dict[str, Any]]:
        """Each row with its columns' names."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Choices:
    """What the filters offer.

    Attributes:
        viruses: NCBI Taxonomy ID and name of the hundred viruses with the most records.
        countries: every country of a record.
    """

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
    conditions = [
        *([] if filters.virus is None else [_under(filters.virus)]),
        *([] if filters.country is None else [f"country = {sql_text(filters.country)}"]),
        *([] if filters.since is None else [f"{plot.since} >= DATE '{filters.since.isoformat()}'"]),
        *([] if filters.until is None else [f"{plot.until} <= DATE '{filters.until.isoformat()}'"]),
    ]
    if plot.name == "lineage_shares":
        # Lineages are one virus's: the mart has no column to choose another by.
        conditions = [condition for condition in conditions if not condition.startswith("virus_tax_id")]
    sql = read_sql(f"showing/sql/explore/{plot.name}.sql").strip()
    return sql.replace(_PLACE_OF_FILTERS, "\n        AND ".join(conditions) or "true")


def ask(connection: DuckDBPyConnection, sql: str) -> Answer:
    """The answer of the snapshot to a query.

    Args:
        connection: one on the snapshot (see `snapshot.reading`).
        sql: a query without parameters.
    """
    result = connection.execute(sql)
    return Answer([column[0] for column in result.description or ()], result.fetchall())


def choices(connection: DuckDBPyConnection) -> Choices:
    """What the filters offer on this snapshot."""
    viruses = connection.execute(read_sql("showing/sql/explore/viruses.sql")).fetchall()
    countries = connection.execute(read_sql("showing/sql/explore/countries.sql")).fetchall()
    return Choices([(tax_id, name) for tax_id, name, _ in viruses], [country for (country,) in countries])


def _under(tax_id: int) -> str:
    return f"virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = {tax_id:d})"
