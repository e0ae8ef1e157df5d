"""How the pages write counts: in their text as in their charts."""

from virus_warehouse.pages.explore.drawing import NUMBERS

THOUSANDS = str(NUMBERS["thousands"])
"""What stands between thousands."""


def number(value: int) -> str:
    """A count."""
    return f"{value:,}".replace(",", THOUSANDS)


def counted(value: int, thing: str) -> str:
    """A count of things, in the singular or the plural."""
    return f"{number(value)} {thing}{'s' * (value != 1)}"
