"""Record drift and missing records."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schema_drift",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("report", sa.String(), nullable=False, comment="Report file the name came in"),
        sa.Column("path", sa.String(), nullable=False, comment="JSON path of a member that this version does not know"),
        sa.Column("first_run_id", sa.String(), nullable=False, comment="First run that met it"),
        sa.Column("occurrences", sa.BigInteger(), nullable=False, comment="Times it was met, in all runs together"),
        sa.Column("sample", sa.String(), nullable=True, comment="A value of it, as JSON, cut at 200 characters"),
        schema="ops",
        comment="What NCBI's reports hold beyond what this version reads; it stops no load",
    )
    op.create_table(
        "census_missing",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("accession", sa.String(), nullable=False, comment="INSDC or RefSeq accession, without version"),
        sa.Column("run_id", sa.String(), nullable=False, comment="The census; joins ops.ingest_run"),
        sa.Column(
            "requested_at", sa.TIMESTAMP(timezone=True), nullable=False, comment="When its package was requested"
        ),
        sa.Column(
            "is_accepted",
            sa.Boolean(),
            nullable=False,
            comment="Whether a person accepted that so many were missing",
        ),
        schema="ops",
        comment="A record that a census did not list: who vanished, and when",
    )
    op.alter_column("ingest_run", "mode", comment="incremental, window, full or replay", schema="ops")
    op.alter_column(
        "ingest_run",
        "missing",
        comment="Records a census did not list and still holds; NULL: no census",
        schema="ops",
    )


def downgrade() -> None:
    op.alter_column("ingest_run", "mode", comment="incremental, window or full", schema="ops")
    op.alter_column(
        "ingest_run",
        "missing",
        comment="Records that this run's census did not list",
        schema="ops",
    )
    op.drop_table("census_missing", schema="ops")
    op.drop_table("schema_drift", schema="ops")
