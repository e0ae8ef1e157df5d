"""An answer is the same whoever gave it, and no other is."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from benchmarks.answers import REPEATS, ask, digest

DAY = date(2025, 3, 5)


def test_order_of_rows_and_kind_of_row_do_not_matter() -> None:
    assert digest([(1, "a"), (2, None)]) == digest([[2, None], [1, "a"]])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.1 + 0.2, 0.3),
        (datetime(2025, 3, 5, 6, tzinfo=UTC), datetime(2025, 3, 5, 8, tzinfo=timezone(timedelta(hours=2)))),
        ([DAY], ["2025-03-05"]),
    ],
)
def test_same_value_of_two_libraries_is_one(one: object, other: object) -> None:
    assert digest([(one,)]) == digest([(other,)])


@pytest.mark.parametrize("rows", [[(1, "b")], [(1,)], [(1, "a"), (1, "a")], [("a", 1)], [(1, None)], []])
def test_another_answer_is_another(rows: list[tuple[object, ...]]) -> None:
    assert digest(rows) != digest([(1, "a")])


def test_no_rows_are_told_apart_from_any() -> None:
    assert digest([]) == ""


def test_each_question_is_asked_a_few_times_and_timed() -> None:
    asked: list[str] = []

    def question() -> list[tuple[int]]:
        asked.append("")
        return [(len(asked) * 0,)]

    seconds, answers = ask({"nothing": question})
    assert len(asked) == REPEATS
    assert seconds["nothing"] >= 0
    assert answers == {"nothing": digest([(0,)])}
