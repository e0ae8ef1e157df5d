"""What the pages ask of whoever serves them: who is logged in, and what is planned for the sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends


class User(Protocol):
    """Somebody who is logged in."""

    def get_id(self) -> str:
        """What tells them from everybody else."""
        ...


@dataclass(frozen=True)
class DagState:
    """The DAG of a source.

    Attributes:
        is_paused: whether nothing runs by itself.
        next_run_at: when the next scheduled run is due; None when none is planned.
    """

    is_paused: bool
    next_run_at: datetime | None


def user() -> User:
    """Who asks; refuses with 401 whoever is not logged in. `create_app` puts the host's own in its place."""
    raise NotImplementedError


def dag_states() -> Mapping[str, DagState]:
    """The DAGs of the sources, by source. `create_app` puts the host's own in its place."""
    raise NotImplementedError


LOGGED_IN = Depends(user)
Reader = Annotated[User, LOGGED_IN]
DagStates = Annotated[Mapping[str, DagState], Depends(dag_states)]
