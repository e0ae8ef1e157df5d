"""The main result of a plot as a sentence, shown above the chart and as its text alternative."""

from collections import Counter

from virus_warehouse.pages.explore.plots import FEW_RECORDS, Answer, Plot
from virus_warehouse.pages.wording import counted

REST, NOT_STATED = "all others", "not stated"
"""Names that the queries use for the remaining series and for missing values."""


def headline(plot: Plot, answer: Answer) -> str:
    """The sentence.

    Args:
        plot: what is asked.
        answer: the rows of its query, at least one.
    """
    return {"stacked": _stacked, "shares": _shares, "band": _band, "ranked": _ranked}[plot.chart](plot, answer)


def _stacked(plot: Plot, answer: Answer) -> str:
    sums = Counter[str]()
    for row in answer.records:
        sums[row[str(plot.series)]] += row[plot.amount]
    total = sums.total()
    largest = [(name, amount) for name, amount in sums.most_common() if name not in (REST, NOT_STATED)][:2]
    shares = " and ".join(f"{name} ({_share(100 * amount / total)})" for name, amount in largest)
    weeks = len({row[plot.over] for row in answer.records})
    all_of_them = f"{counted(total, 'record')} in {counted(weeks, 'week')}"
    return f"{all_of_them}, mostly {shares}." if len(largest) > 1 else f"{all_of_them}{f': {shares}' * bool(shares)}."


def _shares(plot: Plot, answer: Answer) -> str:
    # The latest month with enough records for shares, or else the latest month.
    latest = max(answer.records, key=lambda row: (row["records_of_month"] >= FEW_RECORDS, row[plot.over]))[plot.over]
    rows = [row for row in answer.records if row[plot.over] == latest]
    named = [row for row in rows if row[str(plot.series)] != REST][:3]
    shares = ", ".join(f"{row[str(plot.series)]} {_share(row[plot.amount])}" for row in named)
    return f"{latest:%B %Y}, {counted(rows[0]['records_of_month'], 'record')}: {shares or 'only others'}."


def _band(plot: Plot, answer: Answer) -> str:
    latest = answer.records[-1]
    days = latest[plot.amount]
    return (
        f"Median time from collection to release in {latest[plot.over]:%B %Y}: {counted(days, 'day')} "
        f"({counted(latest['records'], 'record')})."
    )


def _ranked(plot: Plot, answer: Answer) -> str:
    named = [row for row in answer.records if row[plot.over] != NOT_STATED][:3]
    shares = ", ".join(f"{row[plot.over]} {_share(row['percent'])}" for row in named)
    return f"{counted(answer.records[0]['all_records'], 'record')}: {shares or NOT_STATED}."


def _share(percent: float) -> str:
    return f"{percent:.{0 if percent >= 10 else 1}f}%"
