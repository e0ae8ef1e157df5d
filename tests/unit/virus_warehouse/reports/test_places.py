"""A place has the current INSDC name of its country, the ISO code and a division, or none of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel import Locale
from duckdb import DuckDBPyConnection

from tests.support.warehouses import Store, line
from virus_warehouse.session import private_session
from virus_warehouse.sql_file import run_sql

PLACES: dict[str, tuple[str | None, str | None, str | None]] = {
    "USA": ("USA", "US", None),
    "USA: CA": ("USA", "US", "CA"),
    "USA:CA, Alameda County": ("USA", "US", "CA"),
    "Cote d'Ivoire": ("Cote d'Ivoire", "CI", None),
    "Cote d' Ivoire: Man": ("Cote d'Ivoire", "CI", "Man"),
    "C\u00f4te d\u2019Ivoire": ("Cote d'Ivoire", "CI", None),
    "Macedonia: Stip, Kavaklija": ("North Macedonia", "MK", "Stip"),
    "The former Yugoslav Republic of Macedonia": ("North Macedonia", "MK", None),
    "Swaziland": ("Eswatini", "SZ", None),
    "East Timor": ("Timor-Leste", "TL", None),
    "Korea: Chuncheon-si": ("South Korea", "KR", "Chuncheon-si"),
    "Czech Republic": ("Czechia", "CZ", None),
    "Türkiye": ("Turkey", "TR", None),
    "viet nam ": ("Viet Nam", "VN", None),
    "Guinea-Bissau": ("Guinea-Bissau", "GW", None),
    "Guinea": ("Guinea", "GN", None),
    "Zaire": ("Democratic Republic of the Congo", "CD", None),
    "Pacific Ocean: Hawaii": ("Pacific Ocean", None, "Hawaii"),
    "USSR: Turkmen SSR": ("USSR", None, "Turkmen SSR"),
    "China:Hubei:Wuhan": ("China", "CN", "Hubei"),
    "Japan: Hokkaido: Sapporo": ("Japan", "JP", "Hokkaido"),
    "not determined": (None, None, None),
    "Missing": (None, None, None),
    "missing: control sample": (None, None, "control sample"),
    "none": (None, None, None),
    "Atlantis": (None, None, None),
    ":": (None, None, None),
}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    with private_session(tmp_path) as connection:
        run_sql(connection, "reports/places.sql")
        yield connection


def test_place_is_parsed_and_the_text_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.load(
        *(line(f"PX{n}.1", location={"geographicLocation": place}) for n, place in enumerate(PLACES)), line("PX99.1")
    )
    held = store.rows("SELECT geo_location, country, country_code, division FROM virus_genome")
    assert {place: tuple(read) for place, *read in held} == {**PLACES, None: (None, None, None)}


def test_spellings_are_unambiguous(session: DuckDBPyConnection) -> None:
    twice = "SELECT spelling, count(*) FROM place_spelling GROUP BY spelling HAVING count(*) > 1 OR spelling = ''"
    assert session.execute(twice).fetchall() == []


def test_every_code_is_the_iso_code_of_its_country(session: DuckDBPyConnection) -> None:
    """Babel's territories are those of Unicode: ISO codes, and a few own codes that are not used here."""
    territories = Locale("en").territories
    given = session.execute("SELECT DISTINCT country, country_code FROM place_spelling").fetchall()
    coded = {country: code for country, code in given if code}
    assert len(coded) > 250
    assert set(coded.values()) <= {code for code in territories if len(code) == 2 and code.isalpha()} - {"XK", "EU"}
    equal_names = [
        country for country, code in coded.items() if country.split()[0] in territories[code].replace("\u2019", "'")
    ]
    assert len(equal_names) > 200, "a code on the wrong line would make many differ"
    assert {country for country, code in given if not code} > {"Kosovo", "Baltic Sea", "Southern Ocean", "Yugoslavia"}
