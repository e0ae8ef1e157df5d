"""Genuine NCBI records, if they are beside the checkout; tests that need them are skipped otherwise."""

import io
import json
import subprocess
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import packages
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.snapshots import publish
from tests.support.warehouses import made_data
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.windows import WindowRequest

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "ncbi" / "samples"

PACKAGE = SAMPLES / "package_2026-06" / "ncbi_dataset.zip"
ANNOTATION_REPORT_SHAPES = SAMPLES / "shapes" / "annotation_report.jsonl"
BIOSAMPLE_REPORT_SHAPES = SAMPLES / "shapes" / "biosample_report.jsonl"
SARS_COV_2_REPORT = SAMPLES / "sars2_2025-09" / "data_report.jsonl"

GENUINE_2025 = SAMPLES / "genuine_2025-01"
PACKAGES_2025 = GENUINE_2025 / "packages"

needs_genuine_records = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the genuine NCBI records are not beside this checkout (../shared/ncbi/samples)"
)

needs_genuine_packages = pytest.mark.skipif(
    not PACKAGES_2025.is_dir(),
    reason="the genuine packages of January 2025 are not beside this checkout (../shared/ncbi/samples/genuine_2025-01)",
)


FASTA = f"{packages.DATA_FOLDER}/genomic.fna"
"""The member of a package that has the genomes."""


def lines_of(content: bytes) -> list[bytes]:
    """The lines of a package's data report."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(packages.DATA_REPORT).splitlines()


def fasta_of(content: bytes) -> dict[str, str]:
    """The letters of each genome of a package, by the header: read in the plainest way."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read(FASTA).decode()
    entries = (entry.partition("\n") for entry in text[1:].split("\n>"))
    return {header: letters.replace("\n", "") for header, _, letters in entries}


def some_records(names: Iterable[str], *, one_in: int) -> bytes:
    """One package with every so many-th record of some genuine packages, and its sequence."""
    lines, genomes = [], []
    for name in names:
        content = (PACKAGES_2025 / f"{name}.zip").read_bytes()
        some = lines_of(content)[::one_in]
        accessions = {json.loads(line)["accession"] for line in some}
        lines += [line.decode() for line in some]
        genomes += [
            f">{header}\n{letters}\n"
            for header, letters in fasta_of(content).items()
            if header.split()[0] in accessions
        ]
    return packages.package(lines, others={FASTA: "".join(genomes).encode()})


@dataclass
class Site:
    """A data folder, and sources whose NCBI answers with one package."""

    data: DataFolder
    sources: dict[str, Source]

    def run(
        self, name: str, content: bytes, mode: str | None = None, *, sequences: tuple[str, ...] = ()
    ) -> IngestResult:
        request = VirusGenomeRequest(taxon="10239", include_sequence=sequences)
        source = self.sources.setdefault(name, Source(name=name, request=request))
        with ScriptedServer(Answer(body=content)) as server, DatasetsClient(server.url, attempts=1) as client:
            warehouse = Warehouse(self.data.warehouse)
            return ingest(source, client=client, warehouse=warehouse, data=self.data, wish=WindowRequest(mode))

    def copy_to(self, folder: Path) -> "Site":
        """A copy in another folder. What is one file under two names, such as a published part, is one there, too."""
        subprocess.run(["cp", "-a", self.data.root, folder], check=True)
        return Site(DataFolder(folder), dict(self.sources))

    def publish(self) -> None:
        publish(self.data, SourcesFile(Path("sources.yaml"), self.sources))


def site_in(folder: Path) -> Site:
    """A site without sources."""
    return Site(made_data(folder), {})
