"""A record's names are its own, and NCBI's placeholder is no date; taxa that had lost their names have them again."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RECORD_SAYS = "Name of the {0} as the record says it, often a former one: taxon_name({0}_tax_id) is the current one"


def upgrade() -> None:
    for table in ("virus_genome", "virus_genome_history"):
        for organism in ("virus", "host"):
            op.alter_column(table, f"{organism}_name", comment=RECORD_SAYS.format(organism))
        op.alter_column(table, "update_date", comment="Day of the last update in NCBI Virus, in UTC; NULL: not known")
        op.execute(f"UPDATE {table} SET update_date = NULL WHERE update_date = DATE '1900-01-01'")
    op.alter_column("taxon", "name", comment="Current scientific name, or what a record says if no lineage names it")
    op.execute("""
        UPDATE taxon SET name = named.name
        FROM (
            SELECT tax_id, min(organism_name) AS name
            FROM (
                SELECT virus_tax_id AS tax_id, virus_name AS organism_name FROM virus_genome
                UNION ALL
                SELECT host_tax_id, host_name FROM virus_genome
            )
            WHERE organism_name <> ''
            GROUP BY tax_id
        ) AS named
        WHERE taxon.name IS NULL AND taxon.tax_id = named.tax_id
    """)


def downgrade() -> None:
    raise NotImplementedError("which dates were the placeholder is forgotten: restore the warehouse of before")
