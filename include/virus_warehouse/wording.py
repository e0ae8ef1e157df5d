"""Counts in messages."""


def plural(number: int | None, thing: str) -> str:
    """The noun for a number of things: `line` for one, otherwise `lines`."""
    return thing if number == 1 else f"{thing}s"


def counted(number: int | None, thing: str) -> str:
    """A number with its noun: `1 line`, `2 lines`."""
    return f"{number} {plural(number, thing)}"
