"""The SQL statements with which anybody attaches what was published last, to read it in a DuckDB of their own."""

from virus_warehouse.data_folder import DataFolder, nothing_published
from virus_warehouse.failure import Failure
from virus_warehouse.publish.about import About, published_about
from virus_warehouse.sql_file import sql_text
from virus_warehouse.warehouse.connection import Warehouse

NAME = "virus"
"""What the statements call the attached database."""


class NothingToAttach(Failure):
    """There is no published state that can be attached; says why, and what to do."""


def attach_statements(warehouse: Warehouse, data: DataFolder, user: str | None = None) -> str:
    """The statements, without a password: for a lake in the state that was published last, for a file its snapshot.

    Args:
        warehouse: the warehouse.
        data: the data folder with the snapshot.
        user: who reads the catalog of a lake; by default who writes it.

    Raises:
        NothingToAttach: when nothing of this warehouse is published, or the state is no longer kept.
        CatalogUnavailable: when the catalog of a lake cannot be reached.
    """
    about = published_about(data)
    if about is None:
        raise NothingToAttach(nothing_published(data.snapshot))
    storage, state = warehouse.storage, about.lake_state
    if storage.file is not None:
        return f"ATTACH {sql_text(data.snapshot)} AS {NAME} (READ_ONLY);\nUSE {NAME};\n"
    if state is None or not storage.has_state(state):
        raise NothingToAttach(
            f"the published snapshot is of no state that {storage.location} has: it was published from another "
            f"warehouse, or by an earlier version. `virus-warehouse publish` makes a new one"
        )
    return _comments(about) + storage.attach_statements(state, NAME, user)


def _comments(about: About) -> str:
    lines = [f"What publication {about.publication_id} was made from."]
    if about.held_back:
        # The lake has what was loaded; only the snapshot has what was published of these before.
        lines.append(f"Held back in the snapshot, and here as loaded: {', '.join(sorted(about.held_back))}.")
    return "".join(f"-- {line}\n" for line in lines)
