"""What the pages need from their host: the logged-in user, the schedules of the sources, and who keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends


class User(Protocol):
    """A logged-in user."""

    def get_id(self) -> str:
        """The user's unique ID."""
        ...


@dataclass(frozen=True)
class DagState:
    """The DAG of a source.

    Attributes:
        is_paused: whether it is paused.
        next_run_at: when the next scheduled run is due; None when none is planned.
    """

    is_paused: bool
    next_run_at: datetime | None


@dataclass(frozen=True)
class Scheduler:
    """The scheduler, which starts the DAGs.

    Attributes:
        is_running: whether it is running.
        last_seen: when it last reported that it was; None when it never did.
    """

    is_running: bool
    last_seen: datetime | None


def user() -> User:
    """The user; responds with 401 without a login. `create_app` overrides it with the host's own."""
    raise NotImplementedError


def dag_states() -> Mapping[str, DagState]:
    """The DAGs of the sources, by source. `create_app` overrides it with the host's own."""
    raise NotImplementedError


def scheduler() -> Scheduler | None:
    """The scheduler; None where the host has none. `create_app` overrides it with the host's own."""
    return None


LOGGED_IN = Depends(user)
Reader = Annotated[User, LOGGED_IN]
DagStates = Annotated[Mapping[str, DagState], Depends(dag_states)]
SchedulerState = Annotated[Scheduler | None, Depends(scheduler)]
