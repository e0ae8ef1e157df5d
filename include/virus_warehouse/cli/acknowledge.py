"""`virus-warehouse acknowledge`: stop the alarms about known findings of a source."""

from datetime import UTC, datetime

import typer

from virus_warehouse.cli.arguments import AnySource, refuse_mistyped
from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse import findings
from virus_warehouse.warehouse.connection import warehouse_of
from virus_warehouse.wording import counted


def acknowledge(source: AnySource) -> None:
    """Stop the alarms about the quarantined lines and unknown fields of SOURCE; new ones raise alarms again.

    Exit code 0: success. 1: it failed. 2: wrong arguments or settings.
    """
    with explained():
        warehouse = warehouse_of(DataFolder.from_environment())
        with warehouse.session() as session, warehouse.transaction(session):
            refuse_mistyped(source, session)
            lines, names = findings.acknowledge(session, source, datetime.now(UTC))
    typer.echo(
        f"{source}: acknowledged {counted(lines, 'quarantined line')} and {counted(names, 'unknown field')}. They "
        f"stay in ops.quarantine and ops.schema_drift; the pages are updated by the next publication."
    )
