"""Add the answers to findings that hold sources back."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("gate", sa.String(), nullable=False, comment="Gate that held the source back"),
        sa.Column(
            "finding",
            sa.String(),
            nullable=False,
            comment="Its finding, with figures and examples, as the check wrote it",
        ),
        sa.Column(
            "answer",
            sa.String(),
            nullable=False,
            comment="publish (despite this finding) or keep (the last published state); the last answer counts",
        ),
        sa.Column("answered_by", sa.String(), nullable=False, comment="Who answered, or that nobody did in time"),
        sa.Column("answered_at", sa.TIMESTAMP(timezone=True), nullable=False, comment="When"),
        schema="ops",
        comment="An answer to a finding that held a source back; it counts for this finding only",
    )
