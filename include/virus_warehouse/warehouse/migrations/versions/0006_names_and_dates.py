"""A record's names are its own, NCBI's placeholder is no date, and a country has one name and its code.

Taxa that had lost their names have them again.
"""

from alembic import op

from virus_warehouse.sql_file import read_sql
from virus_warehouse.warehouse.add_column import add_column

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RECORD_SAYS = "Name of the {0} as the record says it, often a former one: taxon_name({0}_tax_id) is the current one"
COMMENTS = {
    "virus_name": RECORD_SAYS.format("virus"),
    "host_name": RECORD_SAYS.format("host"),
    "country": "Country or sea by INSDC's present name, from geo_location; NULL: none",
    "division": "geo_location after its first colon, up to the next colon or comma",
    "update_date": "Day of the last update in NCBI Virus, in UTC; NULL: not known",
}

PLACES = """
    UPDATE {0} SET country = place.country, country_code = place.country_code, division = place.division
    FROM (
        SELECT
            geo_location,
            place_spelling.country,
            place_spelling.country_code,
            nullif(trim(regexp_extract(geo_location, '^[^:]*:([^:,]*)', 1)), '') AS division
        FROM (SELECT DISTINCT geo_location FROM {0} WHERE geo_location IS NOT NULL)
        LEFT JOIN place_spelling ON spelling_of(split_part(geo_location, ':', 1)) = place_spelling.spelling
    ) AS place
    WHERE {0}.geo_location = place.geo_location
"""

LOST_NAMES = """
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
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(read_sql("reports/places.sql"))
    for table in ("virus_genome", "virus_genome_history"):
        for column, comment in COMMENTS.items():
            op.alter_column(table, column, comment=comment)
        code = "ISO 3166-1 alpha-2 code of country; NULL where there is none"
        add_column(connection, table, "country", "country_code", "VARCHAR", code)
        connection.exec_driver_sql(PLACES.format(table))
        op.execute(f"UPDATE {table} SET update_date = NULL WHERE update_date = DATE '1900-01-01'")
    op.alter_column("taxon", "name", comment="Current scientific name, or what a record says if no lineage names it")
    op.execute(LOST_NAMES)


def downgrade() -> None:
    raise NotImplementedError("which dates were the placeholder is forgotten: restore the warehouse of before")
