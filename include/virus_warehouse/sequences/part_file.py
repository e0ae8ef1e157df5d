"""Writing a part of the sequence store: a Parquet file with the letters of many sequences."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from virus_warehouse.sequences.one_ahead import one_ahead

_COLUMNS = pa.schema([("part", pa.string()), ("position", pa.int64()), ("sequence", pa.string())])

_ROW_GROUP_BYTES, _ROW_GROUP_ROWS = 16 << 20, 122_880
"""Most letters and rows of a row group, which is compressed, and read, as a whole."""

_LEVEL = 3
"""Of zstd. Higher levels gain nothing: what neighbours have in common is found at this one."""


def write_part(path: Path, part: str, sequences: Iterable[bytes]) -> None:
    """Write a part, in memory of constant size.

    Not with DuckDB, which would hold several row groups at once.

    Args:
        path: the file.
        part: its name, which is a column of it, so that a query of some parts need not read the others.
        sequences: the letters, in order: the first has position 0.
    """
    with (
        ThreadPoolExecutor(1, "compress") as compressing,
        ParquetWriter(
            path,
            _COLUMNS,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=["part"],
            write_statistics=["part", "position"],
        ) as file,
    ):
        for _ in one_ahead(compressing, file.write_batch, _row_groups(part, sequences)):
            pass


def _row_groups(part: str, sequences: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
    begin, held, size = 0, [], 0
    for sequence in sequences:
        held.append(sequence)
        size += len(sequence)
        if size >= _ROW_GROUP_BYTES or len(held) >= _ROW_GROUP_ROWS:
            yield _row_group(part, begin, held)
            begin, held, size = begin + len(held), [], 0
    if held:
        yield _row_group(part, begin, held)


def _row_group(part: str, begin: int, sequences: list[bytes]) -> pa.RecordBatch:
    columns = [
        pa.array([part] * len(sequences), pa.string()),
        pa.array(range(begin, begin + len(sequences)), pa.int64()),
        pa.array(sequences, pa.binary()).view(pa.string()),
    ]
    return pa.record_batch(columns, schema=_COLUMNS)
