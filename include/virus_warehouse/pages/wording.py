"""Formatting of counts, in texts and in charts."""

from virus_warehouse.pages.explore.drawing import NUMBERS

THOUSANDS = str(NUMBERS["thousands"])
"""The thousands separator."""


def number(value: int) -> str:
    """A count."""
    return f"{value:,}".replace(",", THOUSANDS)


def counted(value: int, thing: str) -> str:
    """A count with its noun, in the singular or the plural."""
    return f"{number(value)} {thing}{'s' * (value != 1)}"
