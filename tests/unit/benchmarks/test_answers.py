"""Answers of different libraries are equal if and only if their values are."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from benchmarks.answers import REPEATS, digest, run_queries

DAY = date(2025, 3, 5)


def test_row_order_and_row_type_do_not_matter() -> None:
    assert digest([(1, "a"), (2, None)]) == digest([[2, None], [1, "a"]])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.1 + 0.2, 0.3),
        (datetime(2025, 3, 5, 6, tzinfo=UTC), datetime(2025, 3, 5, 8, tzinfo=timezone(timedelta(hours=2)))),
        ([DAY], ["2025-03-05"]),
    ],
)
def test_same_value_from_two_libraries_is_equal(one: object, other: object) -> None:
    assert digest([(one,)]) == digest([(other,)])


@pytest.mark.parametrize("rows", [[(1, "b")], [(1,)], [(1, "a"), (1, "a")], [("a", 1)], [(1, None)], []])
def test_different_answers_differ(rows: list[tuple[object, ...]]) -> None:
    assert digest(rows) != digest([(1, "a")])


def test_empty_answer_differs_from_any_other() -> None:
    assert digest([]) == ""


def test_each_query_is_repeated_and_timed() -> None:
    asked: list[str] = []

    def query() -> list[tuple[int]]:
        asked.append("")
        return [(len(asked) * 0,)]

    seconds, answers = run_queries({"nothing": query})
    assert len(asked) == REPEATS
    assert seconds["nothing"] >= 0
    assert answers == {"nothing": digest([(0,)])}
