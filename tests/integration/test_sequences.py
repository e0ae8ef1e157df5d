"""Sequences, from a package over real HTTP to the store, the snapshot and a rebuilt warehouse."""

import hashlib
import json
import os
import random
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support import packages
from tests.support.crashing_warehouse import Crash, CrashingWarehouse
from tests.support.followed import content as content_of
from tests.support.genuine import Site, site_in
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.stand_in import StandIn
from tests.support.tiers import all_long, some_of
from tests.support.warehouses import line, made_data, query
from virus_warehouse import ingest as ingest_module
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.forget import forget
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.rebuild import Rebuilt, rebuild
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sequences.store import KEPT_SECONDS
from virus_warehouse.sources import Source, SourceError, SourcesFile, source_of
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.windows import WindowRequest

GENOMES = ("GENOME",)
GENOME_FILE = "ncbi_dataset/data/genomic.fna"
RANDOM_LETTERS = os.urandom(1 << 20).translate(b"ACGT" * 64)
TODAY = date(2026, 11, 20)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path / "data")


def letters(seed: str, length: int = 300) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def fasta(**sequences: str) -> bytes:
    """A FASTA file of accessions, with `_` for the point before the version, and their letters."""
    return "".join(f">{name.replace('_', '.')} Some virus\n{text}\n" for name, text in sequences.items()).encode()


def package(reported: dict[str, int], genomes: bytes | None, **others: bytes) -> bytes:
    """A package of records with these lengths and a FASTA file.

    A name ending in `_2` is of version 2; `updated` dates follow the version.
    """
    lines = [line(name.replace("_", "."), f"2025-05-0{name[-1]}", length=length) for name, length in reported.items()]
    members = {f"ncbi_dataset/data/{name.replace('_', '.')}": content for name, content in others.items()}
    if genomes is not None:
        members[GENOME_FILE] = genomes
    return packages.package(lines, others=members)  # type: ignore[arg-type]


def counted(result: IngestResult, molecule: str = "genome") -> dict[str, int]:
    return {name: count for name, count in result.sequences[molecule].items() if count}


def held(site: Site) -> dict[str, str]:
    """The letters of each genome in the snapshot."""
    rows = query(site.data.snapshot, "SELECT accession_version, sequence FROM virus_sequence WHERE molecule = 'genome'")
    assert len({name for name, _ in rows}) == len(rows)
    return dict(rows)


def mismatches(site: Site) -> dict[str, str]:
    """The open mismatches."""
    return dict(
        query(site.data.warehouse, "SELECT sequence_id, reason FROM ops.sequence_mismatch WHERE resolved_at IS NULL")
    )


def named_parts(site: Site) -> list[str]:
    """The parts that the warehouse names."""
    return [
        name for (name,) in query(site.data.warehouse, "SELECT DISTINCT part FROM ops.sequence_letters ORDER BY ALL")
    ]


def parts(site: Site) -> list[str]:
    return sorted(path.name for path in site.data.sequences.iterdir())


class TestLoad:
    def test_sequences_are_stored_once_and_again_cost_nothing(self, site: Site) -> None:
        one, other = letters("one"), letters("other")
        content = package({"PX1_1": 300, "PX2_1": 300, "PX3_1": 300}, fasta(PX1_1=one, PX2_1=other, PX3_1=one))
        assert counted(site.run("mpox", content, sequences=GENOMES)) == {"records": 3, "stored": 3}
        written = parts(site)
        again = site.run("mpox", content, sequences=GENOMES)
        assert counted(again) == {"records": 3, "unchanged": 3}
        assert not again.changed
        assert parts(site) == written
        site.publish()
        assert held(site) == {"PX1.1": one, "PX2.1": other, "PX3.1": one}
        assert query(site.data.warehouse, "SELECT count(*) FROM ops.sequence_letters") == [(2,)]

    def test_other_source_with_the_same_letters_writes_none(self, site: Site) -> None:
        content = package({"PX1_1": 300}, fasta(PX1_1=letters("one")))
        site.run("mpox", content, sequences=GENOMES)
        written = parts(site)
        assert counted(site.run("mpox_too", content, sequences=GENOMES)) == {"records": 1, "stored": 1}
        assert parts(site) == written

    def test_two_sources_that_load_the_same_letters_at_once_store_them_once(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another run commits the letters after this one has looked up which are stored, and before it merges."""
        content = package({"PX1_1": 300, "PX2_1": 300}, fasta(PX1_1=letters("one"), PX2_1=letters("two")))
        store_letters = ingest_module.store_letters

        def overtaken(*arguments: Any, **others: Any) -> None:
            store_letters(*arguments, **others)
            monkeypatch.setattr(ingest_module, "store_letters", store_letters)
            site.run("mpox_too", content, sequences=GENOMES)

        monkeypatch.setattr(ingest_module, "store_letters", overtaken)
        assert counted(site.run("mpox", content, sequences=GENOMES)) == {"records": 2, "stored": 2}
        assert query(site.data.warehouse, "SELECT count(*) FROM ops.sequence_letters") == [(2,)]
        site.publish()
        rows = query(site.data.snapshot, "SELECT source, accession_version, sequence FROM virus_sequence ORDER BY ALL")
        assert rows == [
            (source, f"PX{number}.1", letters(seed))
            for source in ("mpox", "mpox_too")
            for number, seed in ((1, "one"), (2, "two"))
        ]

    def test_new_version_is_stored_beside_the_one_it_supersedes(self, site: Site) -> None:
        old, new = letters("old"), letters("new")
        site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=old)), sequences=GENOMES)
        result = site.run("mpox", package({"PX1_2": 300}, fasta(PX1_2=new)), sequences=GENOMES)
        assert (result.counts["revised"], counted(result)) == (1, {"records": 1, "stored": 1})
        site.publish()
        assert held(site) == {"PX1.1": old, "PX1.2": new}

    def test_letters_that_change_without_a_new_version_replace_the_earlier_ones(self, site: Site) -> None:
        site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=letters("old"))), sequences=GENOMES)
        result = site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=letters("new"))), sequences=GENOMES)
        assert counted(result) == {"records": 1, "stored": 1}
        site.publish()
        assert held(site) == {"PX1.1": letters("new")}
        ended = query(site.data.warehouse, "SELECT count(valid_to), count(*) FROM ops.sequence")
        assert ended == [(1, 2)]

    def test_column_values_of_the_snapshot(self, site: Site) -> None:
        content = package({"PX1_1": 10}, b">PX1.1 Monkeypox virus, complete genome\nACGTNNRACG\n")
        site.run("mpox", content, sequences=GENOMES)
        site.publish()
        (row,) = query(
            site.data.snapshot,
            "SELECT source, accession, accession_version, molecule, sequence_id, header, sequence, length, "
            "ambiguous_share, sequence_sha256 FROM virus_sequence",
        )
        assert row == (
            "mpox",
            "PX1",
            "PX1.1",
            "genome",
            "PX1.1",
            "PX1.1 Monkeypox virus, complete genome",
            "ACGTNNRACG",
            10,
            0.3,
            hashlib.sha256(b"ACGTNNRACG").hexdigest(),
        )

    def test_every_outcome_is_in_the_ledger_and_adds_up(self, site: Site) -> None:
        genomes = fasta(PX1_1=letters("a"), PX2_1=letters("b", 299), PX9_1=letters("c")) + b">PX3.1\nAC GT\n"
        result = site.run(
            "mpox", package({"PX1_1": 300, "PX2_1": 300, "PX3_1": 300, "PX4_1": 300}, genomes), sequences=GENOMES
        )
        assert counted(result) == {"records": 4, "stored": 1, "mismatched": 2, "orphaned": 1, "missing": 1}
        row = query(
            site.data.warehouse,
            "SELECT records, stored, unchanged, mismatched, orphaned, missing FROM ops.ingest_sequence",
        )
        assert row == [(4, 1, 0, 2, 1, 1)]
        assert mismatches(site) == {
            "PX2.1": "length: 300 in the data report, 299 in the FASTA file",
            "PX3.1": "letters of no sequence: ' '",
            "PX4.1": "no entry in the FASTA file",
            "PX9.1": "no line in the data report",
        }
        assert "genome sequences: 4 records = 1 stored, 2 mismatched, 1 orphaned, 1 missing" in str(result)

    def test_source_without_sequences_has_none(self, site: Site) -> None:
        result = site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=letters("a"))))
        assert (result.sequences, parts(site)) == ({}, [])
        site.publish()
        assert held(site) == {}


class TestMismatch:
    def test_fasta_that_lags_behind_is_mended_by_the_run_that_brings_the_rest(self, site: Site) -> None:
        new = letters("new")
        lagging = package({"PX1_2": 300, "PX2_1": 300}, fasta(PX1_1=letters("old")))
        assert counted(site.run("mpox", lagging, sequences=GENOMES)) == {"records": 1, "mismatched": 1, "missing": 2}
        assert mismatches(site) == {
            "PX1.1": "the data report has PX1.2",
            "PX1.2": "no entry in the FASTA file",
            "PX2.1": "no entry in the FASTA file",
        }
        site.run("mpox", package({"PX1_2": 300}, fasta(PX1_2=new)), sequences=GENOMES)
        assert mismatches(site) == {"PX2.1": "no entry in the FASTA file"}
        site.publish()
        assert held(site) == {"PX1.2": new}

    def test_report_that_lags_behind_is_mended_too(self, site: Site) -> None:
        ahead = package({"PX1_1": 300}, fasta(PX1_2=letters("new"), PX2_1=letters("two")))
        assert counted(site.run("mpox", ahead, sequences=GENOMES)) == {
            "records": 2,
            "mismatched": 1,
            "orphaned": 1,
            "missing": 1,
        }
        caught_up = package({"PX1_2": 300, "PX2_1": 300}, fasta(PX1_2=letters("new"), PX2_1=letters("two")))
        assert counted(site.run("mpox", caught_up, sequences=GENOMES)) == {"records": 2, "stored": 2}
        assert mismatches(site) == {}

    def test_package_without_the_fasta_file_misses_all_but_the_ones_held(self, site: Site) -> None:
        site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=letters("a"))), sequences=GENOMES)
        result = site.run("mpox", package({"PX1_1": 300, "PX2_1": 300}, None), sequences=GENOMES)
        assert counted(result) == {"missing": 1}
        assert mismatches(site) == {"PX2.1": "no entry in the FASTA file"}

    def test_what_a_full_load_no_longer_shows_is_resolved(self, site: Site) -> None:
        site.run("mpox", package({"PX1_1": 300}, b">PX9.1\nACGT\n"), sequences=GENOMES)
        assert set(mismatches(site)) == {"PX1.1", "PX9.1"}
        site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=letters("a"))), "full", sequences=GENOMES)
        assert mismatches(site) == {}

    def test_sequence_of_an_earlier_version_does_not_resolve_that_the_present_one_lacks_its_own(
        self, site: Site
    ) -> None:
        """One of NCBI's servers is outdated, or a package of days ago is loaded late."""
        outdated = package({"PX1_1": 300}, fasta(PX1_1=letters("old")))
        site.run("mpox", outdated, sequences=GENOMES)
        site.run("mpox", package({"PX1_2": 300}, None))
        lacking = {"PX1.2": "no entry in the FASTA file"}
        assert mismatches(site) == lacking
        site.run("mpox", outdated)
        assert mismatches(site) == lacking
        site.run("mpox", outdated, "full")
        assert mismatches(site) == lacking
        site.run("mpox", package({"PX1_2": 300}, fasta(PX1_2=letters("new"))))
        assert mismatches(site) == {}

    def test_repeated_name_counts_once_with_the_same_letters_and_is_reported_with_others(self, site: Site) -> None:
        genomes = fasta(PX1_1=letters("a")) * 2 + fasta(PX2_1=letters("b")) + fasta(PX2_1=letters("c"))
        result = site.run("mpox", package({"PX1_1": 300, "PX2_1": 300}, genomes), sequences=GENOMES)
        assert counted(result) == {"records": 4, "stored": 2, "unchanged": 1, "mismatched": 1}
        assert mismatches(site) == {"PX2.1": "other letters than an earlier entry of the same name"}

    HOSTILE = (
        (b"ACGT without a header\n", "no header"),
        (b">\nACGT\n", "no header"),
        (b">PX2.1\nAC\0GT\n", "letters of no sequence: '\\x00'"),
        (b">PX3.1\n" + b"\xff" * 40 + b"\n", "letters of no sequence: '\\xff'"),
        (b">PX4.1\n\n", "no letters"),
        (b">PX1.1:1-" + b"9" * 60 + b"\nACGT\n", "length: 300 in the data report, 4 in the FASTA file"),
        (b">not an accession\nACGT\n", "no accession.version in the header"),
        # Random at its beginning, or it would be refused as a zip bomb; a longer random part takes seconds to compress.
        (b">PX5.1\n" + RANDOM_LETTERS + b"ACGT" * (8 << 20), "longer than 33554432 bytes"),
    )

    # Of entries without a header, one is noted.
    @pytest.mark.parametrize("hostile", [HOSTILE[:1], HOSTILE[1:], *all_long([one] for one in HOSTILE[1:])])
    def test_hostile_entries_are_reported_and_the_others_are_stored(
        self, site: Site, hostile: Sequence[tuple[bytes, str]]
    ) -> None:
        genomes = b"\n".join([*(entry for entry, _ in hostile), fasta(PX1_1=letters("a"))])
        result = site.run("mpox", package({"PX1_1": 300}, genomes), sequences=GENOMES)
        counts = counted(result)
        assert (counts["records"], counts["stored"]) == (len(hostile) + 1, 1)
        assert counts.get("mismatched", 0) + counts.get("orphaned", 0) == len(hostile)
        rows = query(site.data.warehouse, "SELECT reason FROM ops.sequence_mismatch WHERE resolved_at IS NULL")
        assert sorted(reason for (reason,) in rows) == sorted(reason for _, reason in hostile)


class TestRequest:
    def test_census_asks_for_no_sequences_unless_they_are_new(self, site: Site) -> None:
        source = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", include_sequence=GENOMES))
        with_genomes = package({"PX1_1": 300}, fasta(PX1_1=letters("a")))
        without = package({"PX1_1": 300}, None)
        asked = []
        for content, mode in ((with_genomes, "census"), (without, "census"), (with_genomes, "full")):
            with ScriptedServer(Answer(body=content)) as server, DatasetsClient(server.url, attempts=1) as client:
                ingest(
                    source,
                    client=client,
                    warehouse=Warehouse(site.data.warehouse),
                    data=site.data,
                    wish=WindowRequest(mode),
                )
                asked += [dict(request.query)["include_sequence"] for request in server.requests]
        assert asked == ["GENOME", "NONE", "GENOME"]
        assert mismatches(site) == {}

    def test_record_that_a_census_finds_first_is_reported_and_gets_its_sequence_from_the_next_run(
        self, site: Site
    ) -> None:
        """The census moves no watermark of a source with sequences: the next run asks for all since the one before."""
        site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=letters("a"))), sequences=GENOMES)
        later = [line("PX1.1", "2025-05-01", length=300), line("PX2.1", "2025-08-20", length=300)]
        site.run("mpox", packages.package(later), "census")
        assert mismatches(site) == {"PX2.1": "no sequences were requested with this report"}
        assert query(site.data.warehouse, "SELECT count(*) FROM ops.ingest_sequence") == [(1,)]
        with_sequences = packages.package(
            later[1:],
            others={GENOME_FILE: fasta(PX2_1=letters("b"))},
        )
        result = site.run("mpox", with_sequences)
        assert str(result.updated_since) == "2025-04-17"
        assert counted(result) == {"records": 1, "stored": 1}
        assert mismatches(site) == {}
        assert str(result.watermark) == "2025-08-20"

    def test_source_that_begins_to_ask_gets_all_of_them(self, site: Site) -> None:
        site.run("mpox", package({"PX1_1": 300, "PX2_1": 300}, None))
        del site.sources["mpox"]
        everything = package({"PX1_1": 300, "PX2_1": 300}, fasta(PX1_1=letters("a"), PX2_1=letters("b")))
        result = site.run("mpox", everything, sequences=GENOMES)
        assert (result.mode, result.counts["unchanged"], counted(result)) == ("full", 2, {"records": 2, "stored": 2})

    def test_package_without_sequences_does_not_serve_a_run_that_wants_them(self, site: Site) -> None:
        source = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", include_sequence=GENOMES))
        warehouse = Warehouse(site.data.warehouse)
        content = package({"PX1_1": 300}, fasta(PX1_1=letters("a")))
        with ScriptedServer(*[Answer(body=content)] * 4) as server, DatasetsClient(server.url, attempts=1) as client:
            for window in (
                WindowRequest(),
                WindowRequest("census"),
                WindowRequest(since=date(2025, 5, 1), until=date(2025, 5, 2)),
            ):
                ingest(source, client=client, warehouse=warehouse, data=site.data, wish=window)
        # The full package serves the window, although the census without sequences is newer.
        assert len(server.requests) == 2

    def test_sequences_of_a_package_used_again_are_loaded_although_another_run_has_asked_since(
        self, site: Site
    ) -> None:
        """They are of the package's records, which may be others than the run between brought."""

        def census(content: bytes, dag_run: str, warehouse: type[Warehouse] = Warehouse) -> IngestResult:
            source = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", include_sequence=GENOMES))
            with ScriptedServer(Answer(body=content)) as server, DatasetsClient(server.url, attempts=1) as client:
                return ingest(
                    source,
                    client=client,
                    warehouse=warehouse(site.data.warehouse),
                    data=site.data,
                    wish=WindowRequest("census"),
                    origin=RunOrigin(dag_id="census", dag_run_id=dag_run),
                )

        both = package({"PX1_1": 300, "PX2_1": 300}, fasta(PX1_1=letters("a"), PX2_1=letters("b")))
        with pytest.raises(Crash):
            census(both, "the failed one", CrashingWarehouse)
        census(package({"PX1_1": 300}, fasta(PX1_1=letters("a"))), "the next one")
        tried_again = census(b"its package is archived", "the failed one")
        assert tried_again.downloaded_bytes == 0
        assert counted(tried_again) == {"records": 2, "stored": 1, "unchanged": 1}
        assert mismatches(site) == {}
        rebuilt = rebuild(site.data, from_oldest=True)
        assert (rebuilt.gaps, rebuilt.differences) == ([], [])
        assert content_of(rebuilt.path) == content_of(site.data.warehouse)

    def test_proteins_need_the_annotation_that_says_whose_they_are(self) -> None:
        with pytest.raises(SourceError, match=r"source 'mpox': key 'sequences': PROTEIN needs the annotation report"):
            source_of({"name": "mpox", "taxon": "10244", "sequences": ["PROTEIN"]})


class TestOtherMolecules:
    @pytest.fixture(scope="class")
    @staticmethod
    def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[DataFolder, IngestResult]:
        """A data folder with all molecules, loaded and published; to be read."""
        data = made_data(tmp_path_factory.mktemp("molecules") / "data")
        request = VirusGenomeRequest(
            taxon="2697049", aux_report=("ANNOTATION",), include_sequence=("GENOME", "CDS", "PROTEIN")
        )
        source = Source(name="sars2", request=request)
        with StandIn(today=TODAY, records=40) as stand_in, DatasetsClient(stand_in.url, attempts=1) as client:
            result = ingest(source, client=client, warehouse=Warehouse(data.warehouse), data=data)
        Site(data, {"sars2": source}).publish()
        return data, result

    def test_all_are_stored_with_their_genome(self, loaded: tuple[DataFolder, IngestResult]) -> None:
        data, result = loaded
        assert query(data.warehouse, "FROM ops.sequence_mismatch") == []
        for molecule, counts in result.sequences.items():
            assert counts["records"] == counts["stored"] + counts["unchanged"] > 0, molecule
        unknown = query(
            data.snapshot,
            "SELECT molecule, sequence_id FROM virus_sequence ANTI JOIN virus_genome USING (source, accession_version)",
        )
        assert unknown == []

    def test_coding_regions_translate_to_their_proteins(self, loaded: tuple[DataFolder, IngestResult]) -> None:
        data, _ = loaded
        rows = query(
            data.snapshot,
            """
            SELECT cds.length, residues.length
            FROM virus_protein AS protein
            INNER JOIN virus_sequence AS residues
                ON residues.molecule = 'protein'
                AND residues.sequence_id LIKE protein.protein_accession_version || ':%'
            INNER JOIN virus_sequence AS cds
                ON cds.molecule = 'cds' AND cds.accession = protein.accession
                AND cds.sequence_id = protein.nucleotide_accession_version || ':' || (
                    list_aggregate(list_transform(protein.nucleotide_ranges, LAMBDA r: r."begin" || '-' || r."end"),
                    'string_agg', ',')
                )
            WHERE protein.kind = 'coding_region'
            """,
        )
        assert len(rows) > 20
        assert all(bases == 3 * residues + 3 for bases, residues in rows)

    def test_coding_regions_of_another_annotation_replace_those_before(self, site: Site) -> None:
        """The record keeps its version when it is annotated again."""
        reported = {"PX1_1": 300, "PX2_1": 300}
        genomes = fasta(PX1_1=letters("1"), PX2_1=letters("2"))
        asked = ("GENOME", "CDS")

        def regions(*names: str) -> bytes:
            ends = [name.rpartition(":")[2].split("-") for name in names]
            lengths = [int(last) - int(first) + 1 for first, last in ends]
            return "".join(f">{name} x\n{'A' * length}\n" for name, length in zip(names, lengths, strict=True)).encode()

        def shown() -> list[str]:
            rows = query(
                site.data.warehouse, "SELECT sequence_id FROM ops.sequence WHERE valid_to IS NULL ORDER BY ALL"
            )
            return [name for (name,) in rows if ":" in name]

        first = regions("PX1.1:1-30", "PX1.1:31-90", "PX2.1:1-60")
        site.run("mpox", package(reported, genomes, **{"cds.fna": first}), sequences=asked)
        again = {"cds.fna": regions("PX1.1:1-30", "PX1.1:31-120")}
        result = site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=letters("1")), **again))
        assert counted(result, "cds") == {"records": 2, "stored": 1, "unchanged": 1}
        assert shown() == ["PX1.1:1-30", "PX1.1:31-120", "PX2.1:1-60"]
        site.run("mpox", package(reported, genomes))
        assert shown() == ["PX1.1:1-30", "PX1.1:31-120", "PX2.1:1-60"], "a file that lags behind ends none"


def rebuild_and_publish(site: Site) -> Rebuilt:
    """Make the warehouse again from the archive, in place, and publish it."""
    rebuilt = rebuild(site.data, replace=True)
    site.publish()
    return rebuilt


class TestStore:
    @pytest.fixture(scope="class")
    @staticmethod
    def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> Site:
        """Two sources that share a sequence; one of them has two versions of a record. Tests change copies."""
        site = site_in(tmp_path_factory.mktemp("two_versions") / "data")
        site.run(
            "mpox",
            package({"PX1_1": 300, "PX2_1": 300}, fasta(PX1_1=letters("1"), PX2_1=letters("2"))),
            sequences=GENOMES,
        )
        site.run("mpox", package({"PX1_2": 300}, fasta(PX1_2=letters("3"))), sequences=GENOMES)
        site.run("other", package({"QX1_1": 300}, fasta(QX1_1=letters("1"))), sequences=GENOMES)
        return site

    @pytest.fixture(scope="class")
    @staticmethod
    def published_once(loaded_once: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
        """The same, published."""
        site = loaded_once.copy_to(tmp_path_factory.mktemp("published") / "data")
        site.publish()
        return site

    @pytest.fixture(scope="class")
    @staticmethod
    def rebuilt_once(loaded_once: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Rebuilt]:
        """The same after a census without sequences and the loss of the store: rebuilt, and published."""
        site = loaded_once.copy_to(tmp_path_factory.mktemp("rebuilt") / "data")
        site.run("mpox", package({"PX1_2": 300, "PX2_1": 300}, None), "census", sequences=GENOMES)
        for path in site.data.sequences.iterdir():
            path.unlink()
        return site, rebuild_and_publish(site)

    @pytest.fixture
    def two_versions(self, loaded_once: Site, tmp_path: Path) -> Site:
        return loaded_once.copy_to(tmp_path / "data")

    @pytest.fixture
    def published(self, published_once: Site, tmp_path: Path) -> Site:
        return published_once.copy_to(tmp_path / "data")

    def test_rebuild_makes_it_from_the_archive(self, published_once: Site, rebuilt_once: tuple[Site, Rebuilt]) -> None:
        site, rebuilt = rebuilt_once
        assert (rebuilt.gaps, rebuilt.differences) == ([], [])
        assert (
            held(site)
            == held(published_once)
            == {"PX1.1": letters("1"), "PX1.2": letters("3"), "PX2.1": letters("2"), "QX1.1": letters("1")}
        )

    @pytest.mark.long
    def test_rebuild_after_a_replay_has_the_sequences_too(self, two_versions: Site) -> None:
        """A replay requests nothing: it does not say that the source has no sequences any more."""
        site = two_versions
        site.run("mpox", package({"PX1_2": 300, "PX2_1": 300}, None), "census", sequences=GENOMES)
        site.run("mpox", b"", "replay", sequences=GENOMES)
        rebuild(site.data, replace=True)
        site.publish()
        assert held(site)["PX2.1"] == letters("2")

    @pytest.mark.long
    def test_rebuild_makes_the_same_parts_again(self, two_versions: Site) -> None:
        rebuild(two_versions.data)
        first = parts(two_versions)
        rebuild(two_versions.data)
        assert parts(two_versions) == first

    def test_archive_keeps_the_full_load_with_sequences_that_a_rebuild_needs(self, site: Site) -> None:
        loaded = site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=letters("1"))), sequences=GENOMES)
        site.run("mpox", package({"PX1_1": 300}, None), "census", sequences=GENOMES)
        first = site.data.packages / "mpox" / f"{loaded.run_id}.json"
        sidecar = json.loads(first.read_text())
        first.write_text(json.dumps(sidecar | {"requested_at": "2020-01-01T00:00:00+00:00"}))
        site.run("mpox", package({"PX1_1": 300}, None), "census", sequences=GENOMES)
        assert first.exists()

    def test_part_that_no_run_committed_is_removed_once_it_is_old(self, two_versions: Site) -> None:
        site = two_versions
        named = parts(site)
        for name, age in (("20250101T000000Z-mpox-aaaaaa-0123.parquet", KEPT_SECONDS + 60), ("fresh.parquet", 60)):
            path = site.data.sequences / name
            path.write_bytes(b"")
            os.utime(path, (time.time() - age,) * 2)
        for name in named:
            os.utime(site.data.sequences / name, (0, 0))
        site.run("other", package({"QX1_1": 300}, None), "census", sequences=GENOMES)
        assert parts(site) == sorted([*named, "fresh.parquet"])

    def test_published_snapshot_keeps_its_parts(self, published: Site) -> None:
        site = published
        before = held(site)
        for path in site.data.sequences.iterdir():
            path.unlink()
        assert held(site) == before

    def test_missing_part_costs_its_letters_only_and_is_reported(
        self, published: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        site = published
        [(lost,)] = query(
            site.data.warehouse,
            "SELECT DISTINCT part FROM ops.sequence_letters INNER JOIN ops.sequence USING (sha256) "
            "WHERE sequence_id = 'PX1.1'",
        )
        (site.data.sequences / lost).unlink()
        (site.data.published_sequences / lost).unlink()
        site.publish()
        assert f"1 of 2 parts of the sequence store {site.data.sequences} are missing or cannot be read" in caplog.text
        assert {name for name, sequence in held(site).items() if sequence is None} == {"PX1.1", "PX2.1", "QX1.1"}

    @pytest.mark.parametrize("damage", some_of(["cut", "empty", "no Parquet", "another part"], one_in=4))
    def test_part_that_cannot_be_read_costs_its_letters_only_until_a_rebuild(
        self, rebuilt_once: tuple[Site, Rebuilt], tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A disk error changes the file itself, and so the published link, too.

        A part that a rebuild made has the same name after the next one.
        """
        site = rebuilt_once[0].copy_to(tmp_path / "data")
        before = held(site)
        lost, other = (site.data.sequences / name for name in named_parts(site))
        content = lost.read_bytes()
        lost.chmod(0o640)
        damaged = {"cut": content[:99], "empty": b"", "no Parquet": b"x" * 99, "another part": other.read_bytes()}
        lost.write_bytes(damaged[damage])
        site.publish()
        assert f"are missing or cannot be read, such as {lost.name}" in caplog.text
        left = held(site)
        assert 0 < sum(letters is None for letters in left.values()) < len(left)
        assert {name: letters for name, letters in left.items() if letters is not None}.items() < before.items()
        rebuild_and_publish(site)
        assert held(site) == before
        manifest = json.loads((site.data.published / "latest.json").read_text())
        listed = {file["name"]: file["sha256"] for file in manifest["files"]}
        assert listed[f"sequences/{lost.name}"] == hashlib.sha256(content).hexdigest()

    def test_forgotten_source_leaves_what_others_share(self, two_versions: Site) -> None:
        site = two_versions
        del site.sources["mpox"]
        forget("mpox", Warehouse(site.data.warehouse), site.data, SourcesFile(Path("sources.yaml"), site.sources))
        site.publish()
        assert held(site) == {"QX1.1": letters("1")}
        assert query(site.data.warehouse, "SELECT count(*) FROM ops.sequence_letters") == [(1,)]

    def test_parts_of_a_forgotten_source_are_removed_by_a_later_run(self, site: Site) -> None:
        site.run("mpox", package({"PX1_1": 300}, fasta(PX1_1=letters("a"))), sequences=GENOMES)
        [part] = site.data.sequences.iterdir()
        os.utime(part, (0, 0))
        del site.sources["mpox"]
        forget("mpox", Warehouse(site.data.warehouse), site.data, SourcesFile(Path("sources.yaml"), site.sources))
        site.run("other", package({"PX2_1": 300}, None))
        assert parts(site) == [part.name]
        os.utime(part, times=(time.time() - KEPT_SECONDS - 60,) * 2)
        site.run("other", package({"PX2_1": 300}, None))
        assert parts(site) == []

    def test_parts_of_a_replaced_warehouse_stay_for_a_while(self, two_versions: Site) -> None:
        """It is kept beside the rebuilt one, and may be put back."""
        site = two_versions
        old = parts(site)
        for name in old:
            os.utime(site.data.sequences / name, (0, 0))
        rebuild(site.data, replace=True)
        site.run("other", package({"QX1_1": 300}, None), "census", sequences=GENOMES)
        assert set(parts(site)) > set(old)

    def test_sequences_are_read_from_the_folder_that_a_variable_names(self, published: Site, tmp_path: Path) -> None:
        site = published
        moved = tmp_path / "moved"
        site.data.published_sequences.rename(moved)
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{site.data.snapshot}' AS virus (READ_ONLY)")
            connection.execute("SET VARIABLE virus_sequences = ?", [str(moved)])
            assert connection.execute("SELECT count(sequence) FROM virus.virus_sequence").fetchall() == [(4,)]

    def test_gates_accept_the_sequences(self, published_once: Site) -> None:
        assert query(published_once.data.snapshot, gates_sql()) == []


def test_held_back_source_keeps_its_published_sequences(site: Site) -> None:
    """A source that is held back shows its last published sequences, also where the store no longer has them."""
    many = {f"PX{number}_1": 300 for number in range(40)}
    site.run("mpox", package(many, fasta(**{name: letters(name) for name in many})), sequences=GENOMES)
    site.publish()
    before = held(site)
    rows: list[Any] = query(site.data.warehouse, "SELECT count(*) FROM ops.sequence")
    assert rows == [(40,)]
    with duckdb.connect(site.data.warehouse) as connection:
        connection.execute("DELETE FROM virus_genome WHERE accession > 'PX2'")
        connection.execute("DELETE FROM ops.sequence")
        connection.execute("DELETE FROM ops.sequence_letters")
    site.publish()
    assert query(site.data.snapshot, "SELECT count(*) FROM ops.source_status WHERE held_back_since IS NOT NULL") == [
        (1,)
    ]
    assert held(site) == before
