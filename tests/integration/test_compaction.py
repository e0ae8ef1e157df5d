"""Compaction of the sequence store, beside runs: no letter is lost, and published snapshots keep their files."""

import os
import time
from pathlib import Path

import pytest

from tests.integration.test_sequences import fasta, held, letters, named_parts, package, parts
from tests.support.genuine import Site, site_in
from tests.support.tiers import some_of
from virus_warehouse import compaction
from virus_warehouse.compaction import Compacted, PartDamaged, compact
from virus_warehouse.forget import forget
from virus_warehouse.sequences.store import KEPT_SECONDS
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse

GENOMES = ("GENOME",)
OF_OTHER = {"QX1_1": "1", "QX2_1": "4"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with three parts; the last is of a source of its own, and shares a sequence with the first."""
    site = site_in(tmp_path_factory.mktemp("three_parts") / "data")
    site.run(
        "mpox", package({"PX1_1": 300, "PX2_1": 300}, fasta(PX1_1=letters("1"), PX2_1=letters("2"))), sequences=GENOMES
    )
    site.run("mpox", package({"PX1_2": 300}, fasta(PX1_2=letters("3"))), sequences=GENOMES)
    site.run(
        "other", package({"QX1_1": 300, "QX2_1": 300}, fasta(QX1_1=letters("1"), QX2_1=letters("4"))), sequences=GENOMES
    )
    return site


@pytest.fixture
def site(loaded: Site, tmp_path: Path) -> Site:
    """A copy for one test."""
    return loaded.copy_to(tmp_path / "data")


def compacted(site: Site, fewest_parts: int = 2) -> Compacted:
    return compact(Warehouse(site.data.warehouse), site.data, fewest_parts=fewest_parts)


def test_small_parts_become_one_with_every_letter(site: Site) -> None:
    site.publish()
    before = held(site)
    assert compacted(site) == Compacted(parts=3, sequences=4, dropped=0)
    [part] = named_parts(site)
    assert part.startswith("compaction-")
    assert held(site) == before, "the published snapshot has its own links"
    site.publish()
    assert held(site) == before
    assert len(before) == 5


def test_few_small_parts_stay(site: Site) -> None:
    before = parts(site)
    assert compacted(site, fewest_parts=4) == Compacted()
    assert parts(site) == before


def test_old_parts_are_removed_after_a_while(site: Site) -> None:
    old = parts(site)
    for name in old:
        os.utime(site.data.sequences / name, (0, 0))
    compacted(site)
    assert parts(site) == sorted([*old, *named_parts(site)]), "an earlier copy of the warehouse may still be put back"
    for name in old:
        os.utime(site.data.sequences / name, times=(time.time() - KEPT_SECONDS - 60,) * 2)
    site.run("other", package({"QX1_1": 300}, None))
    assert parts(site) == named_parts(site)


def test_letters_of_a_forgotten_source_are_gone(site: Site) -> None:
    del site.sources["mpox"]
    forget("mpox", Warehouse(site.data.warehouse), site.data, SourcesFile(Path("sources.yaml"), site.sources))
    assert compacted(site) == Compacted(parts=2, sequences=2, dropped=0)
    site.publish()
    assert held(site) == {"QX1.1": letters("1"), "QX2.1": letters("4")}


def test_run_between_keeps_what_it_found_in_the_store(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that needs letters which nobody needed when the compaction began."""
    del site.sources["mpox"]
    forget("mpox", Warehouse(site.data.warehouse), site.data, SourcesFile(Path("sources.yaml"), site.sources))
    read = compaction._read_letters

    def read_beside_a_run(*arguments: object) -> None:
        read(*arguments)  # type: ignore[arg-type]
        site.run("again", package({"PX2_1": 300}, fasta(PX2_1=letters("2"))), sequences=GENOMES)

    monkeypatch.setattr(compaction, "_read_letters", read_beside_a_run)
    compacted(site)
    site.publish()
    assert held(site) == {"QX1.1": letters("1"), "QX2.1": letters("4"), "PX2.1": letters("2")}
    next_time = compacted(site)
    assert (next_time.parts, next_time.sequences) == (2, 3)
    site.publish()
    assert held(site)["PX2.1"] == letters("2")


@pytest.mark.parametrize("damage", some_of(["cut", "missing", "other letters"], one_in=3))
def test_damaged_part_is_named_and_nothing_is_changed(site: Site, damage: str) -> None:
    site.publish()
    before = named_parts(site)
    lost = site.data.sequences / before[0]
    content = lost.read_bytes()
    lost.unlink()  # not in place: the published snapshot has a link
    if damage == "cut":
        lost.write_bytes(content[: len(content) // 2])
    elif damage == "other letters":
        lost.write_bytes((site.data.sequences / before[1]).read_bytes())
    with pytest.raises(
        PartDamaged, match="virus-warehouse rebuild --from-oldest`, with `--replace` if the warehouse is a file"
    ):
        compacted(site)
    assert named_parts(site) == before
    assert list(site.data.temporary.iterdir()) == []
