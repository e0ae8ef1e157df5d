"""An isolate: the sampled virus behind one record, or behind the eight segments of an influenza virus."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from ncbi_stand_in.places import Place, Submitter, countries
from ncbi_stand_in.taxa import TAXONOMY, Taxon
from ncbi_stand_in.viruses import Virus

REFSEQ_SUBMITTER = Submitter("National Centre of Made-up Reference Sequences", "USA", ())
LAB_HOSTS = ("MDCK cells", "Vero E6 cells", "chicken embryo")


@dataclass(frozen=True, slots=True)
class BioSample:
    """The sample from which an isolate was sequenced, with its accessions."""

    accession: str
    bioproject: str
    sra_sample: str
    sra_run: str | None


@dataclass(frozen=True, slots=True)
class Isolate:
    """The metadata that submitters give for an isolate. `finer_places` are more precise places for later revisions.

    `virus_name` and `host_name` are the names in the record, which may differ from the current names of the taxa. For
    some records NCBI has no update date.
    """

    virus: Virus
    taxon: Taxon
    name: str | None
    source: str | None
    collection_date: str | None
    full_collection_date: date
    host: Taxon | None
    true_host: Taxon
    host_breed: str | None
    place: Place | None
    finer_places: tuple[Place, ...]
    pango_lineage: str | None
    archive: str
    biosample: BioSample | None
    submitter: Submitter | None
    is_refseq: bool
    is_annotated: bool
    is_complete: bool
    baseline_surveillance: bool
    lab_host: str | None
    is_vaccine_strain: bool
    virus_name: str
    host_name: str
    has_update_date: bool = True


def draw_isolate(random: Random, virus: Virus, number: int, released: date, *, refseq: bool) -> Isolate:
    """Draw the isolate with this number, collected before its release."""
    shares = virus.shares

    def happens(share: float) -> bool:
        return random.random() < share

    taxon = virus.taxa.draw(random)
    host = virus.hosts[taxon].draw(random)
    country = countries()[virus.places.draw(random)]
    path = random.choice(country.place_paths)
    precision = random.choices(range(len(path)), (20, 45, 35)[: len(path)])[0]
    place = path[precision]

    archive = "refseq" if refseq else country.archive
    collected = released - timedelta(days=random.randint(20, 400))
    submitters = (REFSEQ_SUBMITTER,) if refseq else country.submitters
    has_biosample = not refseq and happens(shares["biosample"])
    return Isolate(
        virus=virus,
        taxon=taxon,
        name=_isolate_name(virus, host, place, number, collected) if refseq or happens(0.9) else None,
        source=random.choice(virus.isolation_sources) if happens(0.4) else None,
        collection_date=_draw_collection_date(random, collected),
        full_collection_date=collected,
        host=None if happens(shares["host_missing"]) else host,
        true_host=host,
        host_breed="Leghorn" if host.name == "Gallus gallus" and happens(shares.get("breed", 0)) else None,
        place=None if happens(0.02) else place,
        finer_places=path[precision + 1 :],
        pango_lineage=random.choice(virus.pango_lineages) if virus.pango_lineages else None,
        archive=archive,
        biosample=_draw_biosample(random, archive, number, shares["sra"]) if has_biosample else None,
        submitter=random.choice(submitters) if happens(0.95) else None,
        is_refseq=refseq,
        is_annotated=refseq or (archive != "ena" and happens(shares["annotated"])),
        is_complete=refseq or not happens(shares["partial"]),
        baseline_surveillance=happens(shares.get("sampling", 0)),
        lab_host=random.choice(LAB_HOSTS) if happens(shares["lab_host"]) else None,
        is_vaccine_strain=happens(shares.get("vaccine", 0)),
        virus_name=taxon.name,
        host_name=host.name,
    )


def as_strain(isolate: Isolate, number: int) -> Isolate:
    """The isolate, assigned to a strain below its taxon. Number 0 is the taxon itself."""
    if not number:
        return isolate
    strain = TAXONOMY.strain(isolate.taxon, number)
    return replace(isolate, taxon=strain, virus_name=strain.name)


def revised(isolate: Isolate, choice: int) -> Isolate:
    """The isolate after its submitter revised one of the fields that can still be improved."""
    revisions: list[Callable[[Isolate, int], Isolate]] = [_add_source]
    if isolate.pango_lineage:
        revisions.append(_reassign_pango_lineage)
    if isolate.place and isolate.finer_places:
        revisions.append(_refine_the_place)
    if isolate.host is None:
        revisions.append(_add_the_host)
    if isolate.collection_date != isolate.full_collection_date.isoformat():
        revisions.append(_complete_the_collection_date)
    return revisions[choice % len(revisions)](isolate, choice)


def _add_source(isolate: Isolate, choice: int) -> Isolate:
    others = [source for source in isolate.virus.isolation_sources if source != isolate.source]
    return replace(isolate, source=others[choice % len(others)])


def _reassign_pango_lineage(isolate: Isolate, choice: int) -> Isolate:
    others = [lineage for lineage in isolate.virus.pango_lineages if lineage != isolate.pango_lineage]
    return replace(isolate, pango_lineage=others[choice % len(others)])


def _refine_the_place(isolate: Isolate, choice: int) -> Isolate:
    return replace(isolate, place=isolate.finer_places[0], finer_places=isolate.finer_places[1:])


def _add_the_host(isolate: Isolate, choice: int) -> Isolate:
    return replace(isolate, host=isolate.true_host)


def _complete_the_collection_date(isolate: Isolate, choice: int) -> Isolate:
    return replace(isolate, collection_date=isolate.full_collection_date.isoformat())


def _draw_collection_date(random: Random, collected: date) -> str | None:
    chance = random.random()
    if chance < 0.75:
        return collected.isoformat()
    if chance < 0.85:
        return f"{collected:%Y-%m}"
    return f"{collected:%Y}" if chance < 0.94 else None


def _draw_biosample(random: Random, archive: str, number: int, sra_share: float) -> BioSample:
    prefixes = {
        "genbank": ("SAMN9", "PRJNA9", "SRS9", "SRR9"),
        "ena": ("SAMEA19", "PRJEB9", "ERS9", "ERR9"),
        "ddbj": ("SAMD9", "PRJDB9", "DRS9", "DRR9"),
    }
    sample, project, sra_sample, sra_run = prefixes[archive]
    return BioSample(
        accession=f"{sample}{number:07d}",
        bioproject=f"{project}{random.randint(0, 99):05d}",
        sra_sample=f"{sra_sample}{number:07d}",
        sra_run=f"{sra_run}{number:07d}" if random.random() < sra_share else None,
    )


def _isolate_name(virus: Virus, host: Taxon, place: Place, number: int, collected: date) -> str:
    return virus.isolate_name.format(
        host=host.common_name or host.name,
        code=place.code,
        place=place.usa_state or place.division.replace(" ", ""),
        number=f"{number % 1_000_000:06d}",
        year=collected.year,
    )
