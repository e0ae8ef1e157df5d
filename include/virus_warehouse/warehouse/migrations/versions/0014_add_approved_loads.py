"""Add to a run the stopped run whose archived package it loaded, and who approved that."""

import sqlalchemy as sa
from alembic import op

from virus_warehouse.sql_file import sql_text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COMMENTS = {
    "TABLE ops.approval": "An answer to a finding that held a source back or stopped a load; it counts for this "
    "finding only",
    "COLUMN ops.approval.gate": "Gate that held the source back; missing (records) or emptied (fields) of a load that "
    "was stopped",
    "COLUMN ops.approval.finding": "Its finding, with figures and examples, as it was shown",
    "COLUMN ops.approval.answer": "publish (despite this finding), load (the stopped package) or keep (what is "
    "published, or held); the last answer counts",
}


def upgrade() -> None:
    archived_run_id = "Stopped run whose archived package this run loaded after a person approved it; else NULL"
    op.add_column("ingest_run", sa.Column("archived_run_id", sa.String(), comment=archived_run_id), schema="ops")
    op.add_column("ingest_run", sa.Column("approved_by", sa.String(), comment="Who approved it"), schema="ops")
    for what, comment in COMMENTS.items():
        op.get_bind().exec_driver_sql(f"COMMENT ON {what} IS {sql_text(comment)}")
