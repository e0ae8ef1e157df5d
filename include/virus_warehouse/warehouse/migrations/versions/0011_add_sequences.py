"""Add the sequences: which records have which, where their letters are, and what does not fit."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sequence",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column(
            "accession",
            sa.String(),
            nullable=False,
            comment="Accession of the genome, without version; joins virus_genome",
        ),
        sa.Column("accession_version", sa.String(), nullable=False, comment="accession.version of the genome"),
        sa.Column("molecule", sa.String(), nullable=False, comment="genome, cds or protein"),
        sa.Column(
            "sequence_id",
            sa.String(),
            nullable=False,
            comment="First word of the header, such as NC_045512.2:21563-25384",
        ),
        sa.Column(
            "header", sa.String(), nullable=False, comment="Header of the sequence in NCBI's FASTA file, without >"
        ),
        sa.Column(
            "sha256", sa.LargeBinary(), nullable=False, comment="SHA-256 of the letters; joins ops.sequence_letters"
        ),
        sa.Column("valid_from", MOMENT, nullable=False, comment="Commit time of the run that loaded it"),
        sa.Column("valid_to", MOMENT, comment="Commit time of the run that brought other letters or another header"),
        sa.Column("run_id", sa.String(), nullable=False, comment="Run that loaded it; joins ops.ingest_run"),
        schema="ops",
        comment="A sequence of a record, present or past; virus_sequence has its letters",
    )
    op.create_table(
        "sequence_letters",
        sa.Column("sha256", sa.LargeBinary(), nullable=False, comment="SHA-256 of the letters"),
        sa.Column("length", sa.BigInteger(), nullable=False, comment="Number of letters"),
        sa.Column(
            "ambiguous",
            sa.BigInteger(),
            nullable=False,
            comment="Letters for several possible bases or residues, and gaps",
        ),
        sa.Column("part", sa.String(), nullable=False, comment="Parquet file in the sequence store"),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="Its row in that file, from 0"),
        schema="ops",
        comment="Where the letters of a distinct sequence are; the store has them once, for all sources",
    )
    op.create_table(
        "sequence_mismatch",
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("molecule", sa.String(), nullable=False, comment="genome, cds or protein"),
        sa.Column("sequence_id", sa.String(), nullable=False, comment="First word of the header; empty: none"),
        sa.Column("accession", sa.String(), comment="Accession of the genome, without version, where known"),
        sa.Column("reason", sa.String(), nullable=False, comment="What does not fit"),
        sa.Column(
            "occurrences", sa.BigInteger(), nullable=False, comment="Entries of that name in the last run that met it"
        ),
        sa.Column("first_run_id", sa.String(), nullable=False, comment="First run that met it"),
        sa.Column("last_run_id", sa.String(), nullable=False, comment="Last run that met it"),
        sa.Column(
            "resolved_at",
            MOMENT,
            comment="When a run brought what was missing, or a full package no longer had it",
        ),
        schema="ops",
        comment="A sequence that does not fit its record, or a record without its sequence",
    )
    op.create_table(
        "ingest_sequence",
        sa.Column("run_id", sa.String(), nullable=False, comment="Run; joins ops.ingest_run"),
        sa.Column("source", sa.String(), nullable=False, comment="Name of the source in sources.yaml"),
        sa.Column("molecule", sa.String(), nullable=False, comment="genome, cds or protein"),
        sa.Column(
            "records", sa.BigInteger(), nullable=False, comment="Entries of the FASTA file, counted from the bytes"
        ),
        sa.Column(
            "stored",
            sa.BigInteger(),
            nullable=False,
            comment="Sequences not held before, or held with other letters or another header",
        ),
        sa.Column("unchanged", sa.BigInteger(), nullable=False, comment="Sequences exactly as held, and repetitions"),
        sa.Column(
            "mismatched",
            sa.BigInteger(),
            nullable=False,
            comment="Entries that do not fit their record, or cannot be read; see ops.sequence_mismatch",
        ),
        sa.Column(
            "orphaned",
            sa.BigInteger(),
            nullable=False,
            comment="Entries without a record in the package; see ops.sequence_mismatch",
        ),
        sa.Column(
            "missing",
            sa.BigInteger(),
            nullable=False,
            comment="Records of the data report without a sequence, here or held",
        ),
        schema="ops",
        comment="The outcomes of the entries of each FASTA file of a run",
    )
