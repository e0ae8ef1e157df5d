"""A report gives the same result in one part or in many, wherever it is split."""

import io
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.tiers import all_long, some_of
from tests.support.waiting import until
from tests.support.warehouses import MPOX_ORGANISM, line, lineage, report, stage_bytes
from virus_warehouse.reports import parts as parts_module
from virus_warehouse.reports import reading
from virus_warehouse.reports.parts import parts
from virus_warehouse.reports.report_file import Tally
from virus_warehouse.session import private_session

OTHER_ORGANISM = {"taxId": 12637, "organismName": "Dengue virus", "lineage": lineage((10239, "Viruses"), (12637, "x"))}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    (tmp_path / "spill").mkdir()
    with private_session(tmp_path / "spill") as connection:
        yield connection


def cut(content: bytes, folder: Path, size: int) -> list[tuple[bytes, int, Tally]]:
    """The parts of a report: their bytes, the lines before them, and the counts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts_module, "FIRST_PART_BYTES", size)
        patch.setattr("virus_warehouse.reports.report_file._CHUNK_BYTES", max(1, size // 2))
        return [
            (part.path.read_bytes(), part.lines_before, part.tally)
            for some in parts(io.BytesIO(content), folder, size, 3, 2)
            for part in some
        ]


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.binary(max_size=12).map(lambda text: text.replace(b"\n", b"")), max_size=12),
    st.booleans(),
    st.integers(1, 40),
)
def test_parts_are_the_report_cut_at_line_ends(tmp_path: Path, lines: list[bytes], has_end: bool, size: int) -> None:
    content = b"\n".join(lines) + (b"\n" if has_end else b"")
    pieces = cut(content, tmp_path, size)
    assert b"".join(piece for piece, _, _ in pieces) == content
    assert all(piece.endswith(b"\n") for piece, _, _ in pieces[:-1])
    before = 0
    for piece, lines_before, tally in pieces:
        assert (lines_before, tally.lines) == (
            before,
            piece.count(b"\n") + (not piece.endswith(b"\n") and piece != b""),
        )
        before += tally.lines
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.binary(max_size=40).map(lambda text: text.replace(b"\n", b"")), min_size=2, max_size=12),
    st.booleans(),
    st.integers(1, 100),
)
def test_halves_are_all_of_a_part_cut_at_a_line_end(
    tmp_path: Path, lines: list[bytes], has_end: bool, chunk: int
) -> None:
    content = b"\n".join(lines) + b"\n" * has_end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("virus_warehouse.reports.report_file._CHUNK_BYTES", chunk)
        for (part,) in parts(io.BytesIO(content), tmp_path, 48 << 20, 1, 1):
            if part.tally.lines < 2:
                continue
            halves = part.halves()
            written = [half.path.read_bytes() for half in halves]
            assert b"".join(written) == content
            assert written[0].endswith(b"\n")
            assert min(half.tally.lines for half in halves) >= 1
            assert sum(half.tally.lines for half in halves) == part.tally.lines
            assert [half.lines_before for half in halves] == [0, halves[0].tally.lines]
            for half, text in zip(halves, written, strict=True):
                lines = [line for block in half.blocks for line in half.lines_of(block)]
                assert b"\n".join(lines) == text.removesuffix(b"\n")


def test_empty_report_is_one_part_without_lines(tmp_path: Path) -> None:
    assert [(piece, tally.lines) for piece, _, tally in cut(b"", tmp_path, 64)] == [(b"", 0)]


@pytest.fixture
def hundred_lines(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """A report, of which each line is a part."""
    monkeypatch.setattr("virus_warehouse.reports.report_file._CHUNK_BYTES", 1)
    return io.BytesIO(b"line\n" * 100)


def test_parts_written_while_others_are_read_come_together(tmp_path: Path, hundred_lines: io.BytesIO) -> None:
    with closing(parts(hundred_lines, tmp_path, 1, 3, 2)) as cut:
        read = len(next(cut))
        until(lambda: len(list(tmp_path.rglob("part-*"))) == read + 3, 30)
        some = [part.lines_before for part in next(cut)]
    assert some in ([read, read + 1], [read, read + 1, read + 2])  # the last may not be closed yet


def test_no_more_parts_are_written_when_the_reader_stops(tmp_path: Path, hundred_lines: io.BytesIO) -> None:
    with closing(parts(hundred_lines, tmp_path, 1, 3, 2)) as cut:
        next(cut)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("inflate")]
    assert list(tmp_path.iterdir()) == []


def test_inflate_error_is_raised_in_the_reader(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("bad CRC")

    with pytest.raises(OSError, match="bad CRC"):
        list(parts(Broken(), tmp_path, 48 << 20, 1, 1))


def staged(session: DuckDBPyConnection) -> list[object]:
    tables = (
        "SELECT * EXCLUDE (line_number, virus_lineage, host_lineage) FROM data_report ORDER BY line_number",
        "SELECT * EXCLUDE (report) FROM quarantined_line ORDER BY line_number",
        "SELECT * EXCLUDE (report) FROM drift ORDER BY path",
        "FROM taxon_seen ORDER BY tax_id",
        "FROM taxon_lineage_seen ORDER BY ALL",
    )
    return [session.execute(sql).fetchall() for sql in tables]


ALL_SORTS = report(
    (
        line("PX1.1"),
        line("PX2.1", virus=OTHER_ORGANISM, isolate={"collectionDate": "2020-05"}),
        "{",
        line("PX3.1", new=1),
        "",
        line("PX4.1", isolate={"collectionDate": "2020-05"}, labHost="\u001f"),
        line("PX5.1", length=1.5),
        line("PX6.1", new=2, virus={**MPOX_ORGANISM, "lineage": lineage((1, "root"), (10244, "mpox"))}),
        line("PX1.2", host={"taxId": 9606, "organismName": "Homo sapiens", "lineage": lineage((9606, "Homo"))}),
    )
)


@pytest.mark.slow
@pytest.mark.parametrize("size", some_of([1, 700, 1100, 1500], one_in=2))
def test_report_is_read_the_same_however_it_is_cut(
    session: DuckDBPyConnection, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = stage_bytes(session, tmp_path, ALL_SORTS)
    whole = staged(session)
    monkeypatch.setattr(parts_module, "FIRST_PART_BYTES", size)
    monkeypatch.setattr(reading, "PART_BYTES", size)
    monkeypatch.setattr("virus_warehouse.reports.report_file._CHUNK_BYTES", 64)
    assert stage_bytes(session, tmp_path, ALL_SORTS) == lines == 8
    assert len(cut(ALL_SORTS, tmp_path, size)) > 1
    assert staged(session) == whole
    assert [number for number, *_ in whole[1]] == [3, 7]  # type: ignore[attr-defined]
    assert whole[2] == [("$.new", 2, "1")]


READ_LINEAGES: list[tuple[str, ...]] = [
    (line(virus={**MPOX_ORGANISM, "lineage": [{"name": "[x]", "taxId": 1}, {"name": "y}]", "taxId": 10244}]}),),
    (line(virus={**MPOX_ORGANISM, "lineage": [{"name": "a", "taxId": 1, "rank": "b"}]}),),
    (line(virus={**MPOX_ORGANISM, "lineage": [{"taxId": 1, "name": "root"}]}),),
]
"""Without a line that is refused, which would let the reader look at the lines again."""

ODD_LINEAGES: list[tuple[str, ...]] = [
    ("{",),
    (line(virus={**MPOX_ORGANISM, "lineage": "text"}),),
    (line(virus={**MPOX_ORGANISM, "lineage": 5}),),
    (line(virus={**MPOX_ORGANISM, "lineage": [{"name": ["a"], "taxId": 1}]}),),
    (line(new={"lineage": lineage((1, "root"))}),),
    (line(lineage=lineage((1, "root"))),),
    (line().replace('"lineage":', '"lineage":[{"name":"a","taxId":1}],"lineage":'),),
    (line().replace('"lineage":[', '"lineage":[{"name":"a}],","taxId":1},'),),
    (line(labHost="x" * 5000, virus=OTHER_ORGANISM), "{"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "others",
    [(), tuple(chain(*READ_LINEAGES)), tuple(chain(*ODD_LINEAGES)), *all_long([*READ_LINEAGES, *ODD_LINEAGES])],
)
def test_report_is_read_the_same_whether_lineages_are_folded_or_not(
    session: DuckDBPyConnection, tmp_path: Path, others: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("virus_warehouse.reports.report_file._CHUNK_BYTES", 1000)
    content = ALL_SORTS + report(others)
    stage_bytes(session, tmp_path, content)
    assert session.execute("SELECT count(*) FROM lineage_folded").fetchone() != (0,)
    folded = staged(session)
    monkeypatch.setattr("virus_warehouse.reports.lineages.MOST_KEPT", 0)
    stage_bytes(session, tmp_path, content)
    assert session.execute("SELECT count(*) FROM lineage_folded").fetchone() == (0,)
    assert folded == staged(session)


@pytest.mark.slow
@pytest.mark.parametrize("odd", [None, 39_000])
def test_lines_keep_their_numbers_when_several_threads_read_several_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: int | None
) -> None:
    monkeypatch.setenv("VIRUS_THREADS", "3")
    monkeypatch.setattr(parts_module, "FIRST_PART_BYTES", 64 << 10)
    monkeypatch.setattr(reading, "PART_BYTES", 64 << 10)
    read = []
    insert = reading._Reading._insert
    monkeypatch.setattr(reading._Reading, "_insert", lambda one, some: (read.append(len(some)), insert(one, some))[1])
    further = {odd: ',"new":1'}
    content = "".join(f'{{"accession":"A{number}.1"{further.get(number, "")}}}\n' for number in range(40_000)).encode()
    with private_session(tmp_path) as session:
        assert stage_bytes(session, tmp_path, content) == 40_000
        numbers = "accession = 'A' || (line_number - 1)"
        assert session.execute(f"SELECT count(*), bool_and({numbers}) FROM data_report").fetchall() == [(40_000, True)]
        found = [("$.new", 1)] if odd else []
        assert session.execute("SELECT path, occurrences FROM drift").fetchall() == found
    assert max(read) > 1, "several parts in one statement"
    parts_of_a_chunk = -(-len(content) // (128 << 10))
    assert sum(read) in (parts_of_a_chunk, parts_of_a_chunk + 1), "each part once, and perhaps an empty last one"


@pytest.mark.slow
def test_a_line_that_stops_the_reader_does_not_change_the_number_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    with private_session(tmp_path) as session:
        before = session.execute("SELECT current_setting('threads')").fetchall()
        assert stage_bytes(session, tmp_path, b'{"accession":"A1.1"}\n{"accession": oops}\n') == 2
        assert session.execute("SELECT current_setting('threads')").fetchall() == before == [(2,)]
