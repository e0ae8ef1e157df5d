"""A query implementation that returns no results."""

from benchmarks.answers import digest
from benchmarks.measured import Given, Outcome


def query(given: Given) -> Outcome:
    with given.clock():
        answers = {"one_record": digest([("nothing", 1)])}
    return Outcome(300, answers=answers)
