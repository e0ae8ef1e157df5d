"""Add the times since when the history of a source is whole, and let virus_genome_as_of refuse earlier ones."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "history_thinned",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column(
            "kept_since",
            MOMENT,
            nullable=False,
            comment="All states that were valid then or later are kept; virus_genome_as_of refuses earlier times",
        ),
        sa.Column(
            "states", sa.BigInteger(), nullable=False, comment="Past states that housekeeping has removed, in total"
        ),
        sa.Column("thinned_at", MOMENT, nullable=False, comment="When it last removed some"),
        schema="ops",
        comment="A source whose history_days has removed past states of records",
    )
