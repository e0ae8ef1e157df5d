"""Segment spellings are recognized or left unread; several isolates are never combined into a complete one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.snapshots import marts_of, store_with_marts
from tests.support.warehouses import DENGUE, Store, dicts, line, lineage, query
from virus_warehouse.publish import marts

INFLUENZA_A = ((10239, "Viruses"), (11308, "Orthomyxoviridae"), (197911, "Alphainfluenzavirus"), (11320, "Influenza A"))
INFLUENZA_B = ((10239, "Viruses"), (11308, "Orthomyxoviridae"), (197912, "Betainfluenzavirus"), (11520, "Influenza B"))
INFLUENZA_C = ((10239, "Viruses"), (197913, "Gammainfluenzavirus"), (11552, "Influenza C"))
INFLUENZA_D = ((10239, "Viruses"), (1511083, "Deltainfluenzavirus"), (1511084, "Influenza D"))
LASSA = ((10239, "Viruses"), (11617, "Arenaviridae"), (1653394, "Mammarenavirus"), (11620, "Lassa"))
HANTAAN = ((10239, "Viruses"), (1980442, "Orthohantavirus"), (1980471, "Hantaan"))
OROPOUCHE = ((10239, "Viruses"), (11572, "Orthobunyavirus"), (118655, "Oropouche"))
ROTAVIRUS_A = ((10239, "Viruses"), (10912, "Rotavirus"), (28875, "Rotavirus A"))
BLUETONGUE = ((10239, "Viruses"), (10892, "Orbivirus"), (40051, "Bluetongue"))
CORONAVIRUS = ((10239, "Viruses"), (11118, "Coronaviridae"), (2697049, "SARS-CoV-2"))
EMARAVIRUS = ((10239, "Viruses"), (1980419, "Emaravirus"))

Taxa = tuple[tuple[int, str], ...]


def piece(
    number: int,
    segment: str | None,
    virus: Taxa = INFLUENZA_A,
    *,
    name: str | None = "A/1",
    collected: str = "2025-03-05",
    place: str = "USA: Iowa",
    laboratory: str = "Laboratory A",
    **fields: Any,
) -> str:
    """A record of one segment of an isolate."""
    tax_id, organism = virus[-1]
    isolate = {"collectionDate": collected} | ({"name": name} if name else {})
    return line(
        f"PX{number}.1",
        virus={"taxId": tax_id, "organismName": organism, "lineage": lineage(*virus)},
        segment=segment,
        isolate=isolate,
        location={"geographicLocation": place},
        submitter={"affiliation": laboratory},
        **fields,
    )


def isolates(store: Store, *lines: str) -> list[dict[str, Any]]:
    store.load(*lines)
    return dicts(marts_of(store), "FROM mart.segment_completeness ORDER BY accessions[1]")


Stated = tuple[Taxa, Sequence[str | None]]
Found = tuple[list[str], int, int | None, bool | None]


def of_each(store: Store, *stated: Stated) -> list[dict[str, Any]]:
    """The mart's rows for isolates, each from a different laboratory, whose records state these segments of a virus."""
    lines = [
        piece(100 * isolate + number, segment, virus, laboratory=f"Laboratory {isolate}")
        for isolate, (virus, segments) in enumerate(stated, start=1)
        for number, segment in enumerate(segments)
    ]
    rows = sorted(isolates(store, *lines), key=lambda row: int(row["accessions"][0].removeprefix("PX")))
    assert len(rows) == len(stated)
    return rows


def found(store: Store, *stated: Stated) -> list[Found]:
    """The segments found for isolates whose records state these segments of a virus."""
    rows = of_each(store, *stated)
    assert [row["records"] for row in rows] == [len(segments) for _, segments in stated]
    return [(row["segments"], row["segments_found"], row["segments_expected"], row["is_complete"]) for row in rows]


EIGHT = ["PB2", "PB1", "PA", "HA", "NP", "NA", "M", "NS"]


def test_whole_genome_is_complete_however_it_is_spelled(store: Store) -> None:
    genomes: list[tuple[Taxa, list[str], list[str]]] = [
        (INFLUENZA_A, ["1", "2", "3", "4", "5", "6", "7", "8"], EIGHT),
        (INFLUENZA_A, EIGHT, EIGHT),
        (
            INFLUENZA_A,
            ["segment 1", "RNA 2", "seg-3", "4 (HA)", "Segment5", "06", "M1/M2", "RNA segment 8 NS"],
            EIGHT,
        ),
        (INFLUENZA_C, ["1", "2", "3", "4", "5", "6", "7"], ["PB2", "PB1", "P3", "HEF", "NP", "M", "NS"]),
        (INFLUENZA_D, ["PB2", "PB1", "P3", "HEF", "NP", "P42", "NS"], ["PB2", "PB1", "P3", "HEF", "NP", "M", "NS"]),
        (LASSA, ["S", "L"], ["L", "S"]),
        (HANTAAN, ["small", "Medium", "segment L"], ["L", "M", "S"]),
        (OROPOUCHE, ["L RNA", "M", "S"], ["L", "M", "S"]),
        (BLUETONGUE, [f"{number}" for number in range(1, 11)], [f"{number}" for number in range(1, 11)]),
    ]
    stated: list[Stated] = [(virus, spellings[::-1]) for virus, spellings, _ in genomes]
    assert found(store, *stated) == [(segments, len(segments), len(segments), True) for *_, segments in genomes]


def test_repeated_segment_counts_once_and_missing_segment_is_incomplete(store: Store) -> None:
    assert found(store, (INFLUENZA_A, ["4", "HA", "6"])) == [(["HA", "NA"], 2, 8, False)]


def test_ambiguous_segment_is_not_parsed(store: Store) -> None:
    spellings = ["9", "S", "HA/NA", "PB1-F2", "unknown", "4 or 6", "segment"]
    rows = of_each(store, *((INFLUENZA_A, [spelling, "HA"]) for spelling in spellings))
    assert [(row["segments"], row["segments_found"]) for row in rows] == [(["HA"], 1)] * 7
    assert [(row["records_unread"], row["spellings_unread"]) for row in rows] == [(1, [one]) for one in spellings]


def test_unparsed_record_that_may_be_the_missing_segment_leaves_completeness_unknown(store: Store) -> None:
    stated: list[tuple[Taxa, list[str | None], bool | None]] = [
        (LASSA, ["L", None], None),
        (LASSA, ["L", "S", None], True),
        (HANTAAN, ["L", "?"], False),  # one segment is missing in any case
        (HANTAAN, ["L", "?", None], None),
    ]
    results = found(store, *((virus, spellings) for virus, spellings, _ in stated))
    assert [is_complete for *_, is_complete in results] == [is_complete for *_, is_complete in stated]


def test_number_and_name_of_influenza_b_polymerases_are_not_matched(store: Store) -> None:
    others = ["3", "HA", "NP", "6", "MP", "8"]
    named_segments = ["PA", "HA", "NP", "NA", "M", "NS"]
    polymerases = (["1", "2"], ["PB1", "PB2"], ["1", "PB1"], ["1", "2", "PB1", "PB2"])
    numbered, *named = found(store, *((INFLUENZA_B, [*some, *others]) for some in polymerases))
    assert numbered == (["1", "2", *named_segments], 8, 8, True)
    # Segment 1 may be PB1, so it is not counted as another segment.
    assert [isolate[1:] for isolate in named] == [(8, 8, True), (7, 8, False), (8, 8, True)]


def test_rotavirus_has_eleven_by_number_or_by_name(store: Store) -> None:
    names = ["VP1", "VP2", "VP3", "VP4", "NSP1", "VP6", "NSP3", "NSP2", "VP7", "NSP4", "NSP5"]
    spellings = (names, [str(number) for number in range(1, 12)], [*names[:6], "1", "2", "3", "4", "5"])
    named, numbered, mixed = found(store, *((ROTAVIRUS_A, some) for some in spellings))
    assert named == (names, 11, 11, True)
    assert (numbered[1:], mixed[1:]) == ((11, 11, True), (6, 11, False))


def test_unsegmented_virus_is_never_listed(store: Store) -> None:
    assert (
        isolates(store, piece(1, None, CORONAVIRUS), piece(2, "ANONYMOUS", CORONAVIRUS), piece(3, "S", CORONAVIRUS))
        == []
    )


def test_unknown_virus_with_segments_is_listed_without_expected_number(
    store: Store,
) -> None:
    rows = isolates(
        store,
        piece(1, "RNA1", EMARAVIRUS),
        piece(2, "segment 2", EMARAVIRUS),
        piece(3, None, EMARAVIRUS),
        piece(4, "ANONYMOUS", EMARAVIRUS),
    )
    assert [(row["segments"], row["segments_expected"], row["is_complete"]) for row in rows] == [
        (["1", "2"], None, None)
    ]
    assert rows[0]["accessions"] == ["PX1", "PX2"]


def test_segments_of_different_isolates_are_not_combined(store: Store) -> None:
    others: list[dict[str, Any]] = [
        {"laboratory": "Laboratory B"},
        {"place": "Ghana"},
        {"collected": "2025-03-06"},
        {"name": "A/2"},
        {"virus": ((10239, "Viruses"), (1653394, "Mammarenavirus"), (11623, "Lymphocytic choriomeningitis"))},
    ]
    pieces = [piece(2 + number, "S", **({"virus": LASSA} | other)) for number, other in enumerate(others)]
    rows = isolates(store, piece(1, "L", LASSA), *pieces)
    assert [(row["segments"], row["is_complete"]) for row in rows] == [(["L"], False), *[(["S"], False)] * len(others)]


def test_record_without_an_isolate_is_counted_separately(store: Store) -> None:
    pieces = [(1, "L", None), (2, "S", None), (3, "L", "missing"), (4, "S", "missing")]
    rows = isolates(store, *(piece(number, segment, LASSA, name=name) for number, segment, name in pieces))
    assert [(row["isolate_name"], row["accessions"], row["is_complete"]) for row in rows] == [
        (None, [f"PX{number}"], False) for number in (1, 2, 3, 4)
    ]


def test_fragments_are_distinguished_from_declared_complete_segments(store: Store) -> None:
    [isolate] = isolates(
        store,
        piece(1, "L", LASSA, completeness="PARTIAL"),
        piece(2, "S", LASSA, completeness="PARTIAL"),
        piece(3, "S", LASSA, completeness="COMPLETE", biosample="SAMN1"),
    )
    assert (isolate["segments_found"], isolate["segments_declared_complete"], isolate["is_complete"]) == (2, 1, True)
    assert (isolate["accessions"], isolate["biosamples"]) == (["PX1", "PX2", "PX3"], ["SAMN1"])


@pytest.mark.slow
def test_segment_of_two_sources_is_one_record(store: Store) -> None:
    store.load(piece(1, "L", LASSA), source=DENGUE)
    [isolate] = isolates(store, piece(1, "L", LASSA), piece(2, "S", LASSA))
    assert (isolate["records"], isolate["is_complete"]) == (2, True)


class TestFacts:
    @pytest.fixture(scope="class")
    @staticmethod
    def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
        return marts_of(store_with_marts(tmp_path_factory.mktemp("facts")))

    def test_spellings_cover_the_expected_number_of_segments(self, snapshot: Path) -> None:
        counted = query(
            snapshot,
            """
            SELECT
                segment_count.name,
                segments,
                count(DISTINCT segment) FILTER (numbering = 'settled') AS settled,
                count(DISTINCT segment) FILTER (numbering = 'number') AS numbers,
                count(DISTINCT segment) FILTER (numbering = 'name') AS names
            FROM mart.segment_count
            LEFT JOIN mart.segment_spelling USING (tax_id)
            WHERE segments > 1
            GROUP BY ALL
            """,
        )
        assert len(counted) == 16
        for name, segments, settled, numbers, names in counted:
            assert settled + max(numbers, names) == segments, name
            assert numbers == names or names == 0, name

    def test_spelling_is_normalized_and_names_one_segment_per_taxon(self, snapshot: Path) -> None:
        assert (
            query(snapshot, "SELECT tax_id, spelling FROM mart.segment_spelling GROUP BY ALL HAVING count(*) > 1") == []
        )
        assert (
            query(
                snapshot,
                "SELECT spelling FROM mart.segment_spelling WHERE NOT regexp_full_match(spelling, '[A-Z1-9][A-Z0-9]*')",
            )
            == []
        )

    def test_every_spelling_belongs_to_a_taxon_with_a_segment_count(self, snapshot: Path) -> None:
        assert query(snapshot, "FROM mart.segment_spelling ANTI JOIN mart.segment_count USING (tax_id)") == []
        assert query(snapshot, "SELECT tax_id FROM mart.segment_count GROUP BY ALL HAVING count(*) > 1") == []

    def test_file_names_the_source_of_its_facts(self, snapshot: Path) -> None:
        references = query(snapshot, "SELECT DISTINCT reference FROM mart.segment_count")
        assert all(reference.startswith("https://ictv.global/report/chapter/") for (reference,) in references)
        assert "ICTV" in (Path(marts.__file__).parent / "marts" / "segment_count.sql").read_text(encoding="utf-8")
