"""A snapshot can hold the news of a source back, and a run tells what a person let pass of it."""

from alembic import op

from virus_warehouse.sql_file import sql_text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NEW_COLUMNS = (
    ("ingest_run", "accepted", "VARCHAR[]", "What a person let pass of a full load: missing records, emptied fields"),
    (
        "source_status",
        "held_back_since",
        "TIMESTAMPTZ",
        "Since when the checks keep its news back; NULL: all of it is here",
    ),
    (
        "source_status",
        "held_back_reason",
        "VARCHAR",
        "What the checks found in what is held back, and the ways out",
    ),
)


def upgrade() -> None:
    for table, column, kind, comment in NEW_COLUMNS:
        op.execute(f"ALTER TABLE ops.{table} ADD COLUMN {column} {kind}")
        op.execute(f"COMMENT ON COLUMN ops.{table}.{column} IS {sql_text(comment)}")


def downgrade() -> None:
    for table, column, _, _ in NEW_COLUMNS:
        op.execute(f"ALTER TABLE ops.{table} DROP COLUMN {column}")
