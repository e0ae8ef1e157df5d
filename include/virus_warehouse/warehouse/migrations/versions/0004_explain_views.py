"""Explain the views and the macro, which every upgrade makes anew, and Alembic's own table."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table_comment("alembic_version", "The schema that the file has", schema="ops")
    op.alter_column("alembic_version", "version_num", comment="Revision of the schema, of Alembic", schema="ops")


def downgrade() -> None:
    op.alter_column("alembic_version", "version_num", comment=None, schema="ops")
    op.drop_table_comment("alembic_version", schema="ops")
