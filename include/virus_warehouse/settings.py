"""Reading numbers from settings of the environment, which a person has typed."""

import os
from typing import TypeVar

from virus_warehouse.failure import UsageError

Number = TypeVar("Number", int, float)


class SettingError(UsageError):
    """A setting of the environment, or a field of a connection, that cannot be used."""


def positive(name: str, default: Number) -> Number:
    """A variable of the environment that is a positive number, or its default.

    Raises:
        SettingError: when it is none.
    """
    given = os.environ.get(name)
    if not given:
        return default
    try:
        number = type(default)(given)
    except ValueError:
        number = type(default)(0)
    if not number > 0:  # NaN is neither above nor below
        raise SettingError(f"{name} is {given!r}; it must be a positive number such as {default}")
    return number
