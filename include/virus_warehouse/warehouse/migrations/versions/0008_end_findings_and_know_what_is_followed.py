"""What was refused or new can be over, or known; and a view can ask which sources are followed."""

import sqlalchemy as sa
from alembic import op

from virus_warehouse.sql_file import sql_text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KNOWN = "When a person said that they know of it: it raises no alarm since"
NEW_COLUMNS = (
    (
        "quarantine",
        "resolved_at",
        "TIMESTAMPTZ",
        "When its record came in another line, or a full package did without the line",
    ),
    ("quarantine", "acknowledged_at", "TIMESTAMPTZ", KNOWN),
    ("schema_drift", "last_run_id", "VARCHAR", "Last run that met it"),
    (
        "schema_drift",
        "resolved_at",
        "TIMESTAMPTZ",
        "When a full package came that has it no longer, or the missing report",
    ),
    ("schema_drift", "acknowledged_at", "TIMESTAMPTZ", KNOWN),
)


def upgrade() -> None:
    for table, column, kind, comment in NEW_COLUMNS:
        op.execute(f"ALTER TABLE ops.{table} ADD COLUMN {column} {kind}")
        op.execute(f"COMMENT ON COLUMN ops.{table}.{column} IS {sql_text(comment)}")
    op.execute("COMMENT ON COLUMN ops.quarantine.replayed_at IS 'When a replay loaded the line after all'")
    # Which run met it last was not written down: the first one is known to have.
    op.execute("UPDATE ops.schema_drift SET last_run_id = first_run_id")
    # A snapshot of before has one of its own making.
    op.execute("DROP TABLE IF EXISTS ops.source_status")
    op.create_table(
        "source_status",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("status", sa.String(), nullable=False, comment="followed, never loaded, broken or not followed"),
        sa.Column("detail", sa.String(), comment="What the status means, where it is not plain"),
        sa.Column("taxon", sa.String(), comment="Taxon asked for"),
        sa.Column("records", sa.BigInteger(), nullable=False, comment="Rows in virus_genome"),
        sa.Column("watermark", sa.Date(), comment="Largest update_date that NCBI has shown"),
        sa.Column("last_success_at", sa.TIMESTAMP(timezone=True), comment="When its last run committed"),
        sa.Column("last_run_id", sa.String(), comment="Its last run, committed or not; joins ops.ingest_run"),
        sa.Column("last_run_status", sa.String(), comment="running, success or failed"),
        sa.Column("last_run_error", sa.String(), comment="What went wrong in its last run"),
        schema="ops",
        comment="A source when a snapshot was made: whether it is followed, and what is held; empty in the warehouse",
    )


def downgrade() -> None:
    raise NotImplementedError("what is over would raise alarms again: restore the warehouse of before")
