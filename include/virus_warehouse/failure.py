"""The base classes of expected failures: a class says by its base how commands and tasks treat it."""

from typing import ClassVar


class Failure(RuntimeError):
    """Something went wrong that a person can fix: a command prints the message, and no traceback.

    The message says what is wrong and what to do. Any other exception is a bug.

    Attributes:
        exit_code: of a command that ends with it.
    """

    exit_code: ClassVar[int] = 1


class PermanentFailure(Failure):
    """A failure that a retry cannot fix, so that a task fails at once."""


class UsageError(PermanentFailure, ValueError):
    """An argument or a setting is wrong. The message names it, its value unless that is secret, and the way out."""

    exit_code = 2
