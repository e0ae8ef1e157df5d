"""Irregular records, as frequent as at NCBI: former names, hosts without a name, unknown dates and places.

The shares were measured in 549,990 genuine lines of December 2024 and January 2025, of viruses of all kinds.
"""

from dataclasses import replace
from datetime import date
from enum import StrEnum
from random import Random

from ncbi_stand_in.isolates import Isolate
from ncbi_stand_in.places import Place
from ncbi_stand_in.taxa import TAXONOMY

PLACEHOLDER_DATE = date(1900, 1, 1)
"""NCBI's update date for records without a known one."""

UNSTATED_PLACES = ("missing", "not determined", "Missing")


class Oddity(StrEnum):
    """An irregularity of a record."""

    FORMER_VIRUS_NAME = "former_virus_name"
    FORMER_HOST_NAME = "former_host_name"
    NAMELESS_HOST = "nameless_host"
    NO_UPDATE_DATE = "no_update_date"
    NO_COUNTRY = "no_country"
    BRACKETED_ISOLATE = "bracketed_isolate"


SHARES = {
    Oddity.FORMER_VIRUS_NAME: 0.05,
    Oddity.FORMER_HOST_NAME: 0.003,
    Oddity.NAMELESS_HOST: 0.0005,
    Oddity.NO_UPDATE_DATE: 0.0014,
    Oddity.NO_COUNTRY: 0.00005,
    Oddity.BRACKETED_ISOLATE: 0.0001,
}
"""The share (0 to 1) of records with each oddity."""


def draw_oddity(random: Random) -> Oddity | None:
    """Draw the oddity of an isolate. Most have none."""
    chance = random.random()
    for oddity, share in SHARES.items():
        if chance < share:
            return oddity
        chance -= share
    return None


def with_oddity(isolate: Isolate, oddity: Oddity, random: Random) -> Isolate:
    """The isolate with this oddity, or unchanged if it lacks the field concerned."""
    match oddity:
        case Oddity.FORMER_VIRUS_NAME:
            return replace(isolate, virus_name=isolate.taxon.former_name or isolate.taxon.name)
        case Oddity.FORMER_HOST_NAME if isolate.host:
            return replace(isolate, host_name=isolate.host.former_name or isolate.host.name)
        case Oddity.NAMELESS_HOST if isolate.host:
            host = random.choice(TAXONOMY.deleted)
            return replace(isolate, host=host, host_name=host.name, host_breed=None)
        case Oddity.NO_UPDATE_DATE:
            return replace(isolate, has_update_date=False)
        case Oddity.NO_COUNTRY:
            return replace(isolate, place=Place(random.choice(UNSTATED_PLACES), "", "", "", ""), finer_places=())
        case Oddity.BRACKETED_ISOLATE if isolate.name and isolate.place:
            place, year = isolate.place, isolate.full_collection_date.year
            return replace(isolate, name=f"[{place.country}:{place.division}:{year}] {isolate.name}")
    return isolate
