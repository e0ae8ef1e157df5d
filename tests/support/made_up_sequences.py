"""Sequences for an export, in place of the store's."""

from dataclasses import dataclass, field
from typing import BinaryIO, Self

import pytest
from duckdb import DuckDBPyConnection

from virus_warehouse.publish.export_formats import augur


@dataclass
class Written:
    """What was written, as `write_fasta` says it."""

    written: int = 0
    missing: list[str] = field(default_factory=list)


@dataclass
class Sequences:
    """Every record has a sequence, but for those that are named.

    Attributes:
        without: accession.version of records without a sequence.
    """

    without: set[str] = field(default_factory=set)

    @classmethod
    def instead_of_the_store(cls, monkeypatch: pytest.MonkeyPatch) -> Self:
        sequences = cls()
        monkeypatch.setattr(augur, "write_fasta", sequences.write)
        return sequences

    def write(self, connection: DuckDBPyConnection, query: str, to: BinaryIO, molecule: str) -> Written:
        assert molecule == "genome"
        done = Written()
        for accession, header in connection.execute(f"SELECT accession_version, header FROM ({query})").fetchall():
            if accession in self.without:
                done.missing.append(accession)
            else:
                done.written += 1
                to.write(f">{header}\n{'ACGT' * 20}\n".encode())
        return done
