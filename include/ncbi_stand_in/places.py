"""Where isolates were collected, in the free-text forms seen at NCBI, and who submitted them."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from ncbi_stand_in.tables import read_table


@dataclass(frozen=True)
class Place:
    """A place at some precision. `usa_state` is the two-letter code of places in the United States."""

    location: str
    division: str
    country: str
    code: str
    region: str
    usa_state: str | None = None


@dataclass(frozen=True)
class Submitter:
    """The submitter of a record. Some archives give no names."""

    affiliation: str
    country: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Country:
    """A country's places. Each path goes from coarse to fine: `USA`, `USA: Texas`, `USA: Texas, Houston`."""

    archive: str
    place_paths: tuple[tuple[Place, ...], ...]
    submitters: tuple[Submitter, ...]


@cache
def countries() -> dict[str, Country]:
    """All countries by their INSDC name."""
    return {name: _country(name, row) for name, row in read_table("places").items()}


def _country(name: str, row: dict[str, Any]) -> Country:
    code, region, separator = row["code"], row["region"], row.get("separator", ": ")
    whole = Place(name, name, name, code, region)
    place_paths: list[tuple[Place, ...]] = []
    for division, facts in row["divisions"].items():
        state = facts.get("state")
        coarse = Place(f"{name}{separator}{division}", division, name, code, region, state)
        fine = [
            Place(f"{coarse.location}, {detail}", division, name, code, region, state)
            for detail in facts.get("details", [])
        ]
        place_paths.extend((whole, coarse, place) for place in fine)
        if not fine:
            place_paths.append((whole, coarse))
    submitters = tuple(Submitter(one["affiliation"], name, tuple(one.get("names", ()))) for one in row["submitters"])
    return Country(row["archive"], tuple(place_paths), submitters)
