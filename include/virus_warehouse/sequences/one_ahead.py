"""Working on one item in another thread while the one before is used."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def one_ahead(executor: Executor, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The results of a function, each of which is computed while the one before is used.

    Args:
        executor: where they are computed.
        function: the function.
        items: its arguments.
    """
    upcoming: Future[Result] | None = None
    for item in items:
        present, upcoming = upcoming, executor.submit(function, item)
        if present is not None:
            yield present.result()
    if upcoming is not None:
        yield upcoming.result()
