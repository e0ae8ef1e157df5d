"""A snapshot can hold the news of a source back, and the warehouse knows what a person accepted of a load."""

import sqlalchemy as sa
from alembic import op

from virus_warehouse.sql_file import sql_text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NEW_COLUMNS = (
    ("held_back_since", "TIMESTAMPTZ", "Since when the checks keep its news back; NULL: all of it is here"),
    ("held_back_reason", "VARCHAR", "What the checks found in what is held back, and the ways out"),
)


def upgrade() -> None:
    for column, kind, comment in NEW_COLUMNS:
        op.execute(f"ALTER TABLE ops.source_status ADD COLUMN {column} {kind}")
        op.execute(f"COMMENT ON COLUMN ops.source_status.{column} IS {sql_text(comment)}")
    op.create_table(
        "acceptance",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("run_id", sa.String(), nullable=False, comment="The load; joins ops.ingest_run"),
        sa.Column("accepted", sa.String(), nullable=False, comment="missing (records) or emptied (fields)"),
        schema="ops",
        comment="What a person accepted of a load that would otherwise have stopped it",
    )


def downgrade() -> None:
    op.drop_table("acceptance", schema="ops")
    for column, _, _ in NEW_COLUMNS:
        op.execute(f"ALTER TABLE ops.source_status DROP COLUMN {column}")
