"""`make bench-sequences`: a load with sequences, and their FASTA, compared with inflating and compressing the bytes.

Cases run in rounds, each in a new process and with default settings. The results are printed, and written to
benchmarks/results/sequences.json.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.measured import CaseInput, Outcome
from benchmarks.one_case import MEASUREMENT
from benchmarks.results import machine
from benchmarks.run import CHECKOUT, bench_folder
from benchmarks.warehouse import SOURCE_OF_GENOMES, make_empty
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse

RESULTS = CHECKOUT / "benchmarks/results/sequences.json"
RUNS = 3

GENOMES, BASES, ANCESTORS = 10_000, 29_900, 5
RECENT = 50
"""A genome is a copy of one of the last genomes of its line, with two mutations on average; a quarter have none."""

LINE = 70
GENOMIC_FASTA = "ncbi_dataset/data/genomic.fna"
DATA_REPORT = "ncbi_dataset/data/data_report.jsonl"

CASES = {
    "floor": "benchmarks.sequences:floor",
    "load": "benchmarks.warehouse:load",
    "load_sequences": "benchmarks.warehouse:load_sequences",
    "unchanged_sequences": "benchmarks.warehouse:unchanged_sequences",
    "fasta": "benchmarks.sequences:fasta",
}
"""Each with its function. The last two start from the data folder of a load."""

TARGETS = {
    "load_over_floor": "at most 1.5",
    "unchanged_over_floor": "",
    "fasta_seconds": "at most 10",
    "peak_mib_load": "at most 600",
    "peak_mib_fasta": "at most 600",
    "store_over_fasta": "at most 0.03",
}


def floor(inputs: CaseInput) -> Outcome:
    """Inflate the FASTA file with Python's standard library, and compress it with zstd as the store does."""
    import pyarrow as pa

    with (
        inputs.clock(),
        zipfile.ZipFile(inputs.package) as archive,
        archive.open(GENOMIC_FASTA) as member,
        pa.CompressedOutputStream(str(inputs.scratch / "floor.zst"), "zstd") as compressed,
    ):
        while piece := member.read(1 << 20):
            compressed.write(piece)
    return Outcome(0, inputs.scratch / "floor.zst")


def fasta(inputs: CaseInput) -> Outcome:
    """The command `fasta` for every record of the published snapshot, the last record first."""
    written = inputs.scratch / "all.fasta"
    query = "SELECT accession FROM virus_genome ORDER BY accession DESC"
    command = [str(Path(sys.executable).with_name("virus-warehouse")), "fasta", query, "--to", str(written)]
    environment = {**os.environ, "VIRUS_DATA": str(inputs.scratch / "data")}
    clock = inputs.clock
    with clock():
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    clock.peak_rss_mib = usage.ru_maxrss / 1024
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{command} failed")
    return Outcome(sum(line.startswith(b">") for line in written.open("rb")), written)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sequences")
    parser.add_argument("--package", type=Path, help="measure with this package; by default with made-up genomes")
    package = parser.parse_args().package or _made_up_package(bench_folder())
    work = bench_folder() / f"sequences-{os.getpid()}"
    work.mkdir()
    try:
        runs = [{name: _measure(name, target, package, work) for name, target in CASES.items()} for _ in range(RUNS)]
    finally:
        shutil.rmtree(work)
    ratios = _ratios(runs, package)
    results = {"package": package.name, "machine": machine(), "ratios": ratios, "runs": runs}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    table = Table("figure", "measured", "target")
    for name, figure in ratios.items():
        table.add_row(name, f"{figure:.3g}", TARGETS[name])
    Console().print(table)


def _measure(name: str, target: str, package: Path, work: Path) -> dict[str, Any]:
    """Run a case in a new process; the data folder of a load is kept for the cases after it."""
    scratch = work / "scratch"
    scratch.mkdir()
    data, loaded = DataFolder(scratch / "data"), work / "loaded"
    if name in ("unchanged_sequences", "fasta"):
        loaded.rename(data.root)
    else:
        make_empty(data)
    if name == "fasta":
        followed = SourcesFile(data.root / "sources.yaml", {SOURCE_OF_GENOMES.name: SOURCE_OF_GENOMES})
        publish(Warehouse(data.warehouse), data, followed)
    os.sync()
    subprocess.run(
        [sys.executable, "-m", "benchmarks.one_case", target, scratch, package],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'include'}"},
        check=True,
    )
    measured: dict[str, Any] = json.loads((scratch / MEASUREMENT).read_text(encoding="utf-8"))
    measured["store_bytes"] = sum(part.stat().st_size for part in data.sequences.glob("*.parquet"))
    if name in ("load_sequences", "unchanged_sequences"):
        data.root.rename(loaded)
    shutil.rmtree(scratch)
    Console().print(f"{name}: {measured['wall_seconds']:.2f} s, {measured['peak_rss_mib']:.0f} MiB", highlight=False)
    return measured


def _ratios(runs: list[dict[str, dict[str, Any]]], package: Path) -> dict[str, float]:
    def median(name: str, figure: str = "wall_seconds") -> float:
        return float(statistics.median(run[name][figure] for run in runs))

    with zipfile.ZipFile(package) as archive:
        fasta_bytes = archive.getinfo(GENOMIC_FASTA).file_size
    return {
        "load_over_floor": median("load_sequences") / median("floor"),
        "unchanged_over_floor": median("unchanged_sequences") / median("floor"),
        "fasta_seconds": median("fasta"),
        "peak_mib_load": median("load_sequences", "peak_rss_mib"),
        "peak_mib_fasta": median("fasta", "peak_rss_mib"),
        "store_over_fasta": median("load_sequences", "store_bytes") / fasta_bytes,
    }


def _made_up_package(folder: Path) -> Path:
    """A package of an outbreak's genomes, made once: genomes that are mutated from a few ancestors."""
    path = folder / f"genomes-{GENOMES}-{BASES}.zip"
    if path.exists():
        return path
    Console().print("Making the genomes takes a minute, once.")
    report = folder / f"{path.stem}.jsonl"
    unfinished = path.with_suffix(".part")
    with (
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(GENOMIC_FASTA, "w", force_zip64=True) as fasta_file,
        report.open("w", encoding="utf-8") as lines,
    ):
        for number, letters in enumerate(_genomes()):
            accession = f"PX{hashlib.sha256(str(number).encode()).hexdigest()[:8].upper()}.1"
            lines.write(json.dumps(_record(accession, number)) + "\n")
            wrapped = b"\n".join(letters[begin : begin + LINE] for begin in range(0, BASES, LINE))
            fasta_file.write(b">%s Made-up virus isolate %d\n%s\n" % (accession.encode(), number, wrapped))
    with zipfile.ZipFile(unfinished, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.write(report, DATA_REPORT)
    report.unlink()
    unfinished.rename(path)
    return path


def _record(accession: str, number: int) -> dict[str, Any]:
    return {
        "accession": accession,
        "completeness": "COMPLETE",
        "isolate": {"collectionDate": "2026-10-01", "name": f"isolate {number}"},
        "length": BASES,
        "releaseDate": "2026-11-01T00:00:00Z",
        "updateDate": "2026-11-01T00:00:00Z",
        "virus": {"lineage": [{"name": "Viruses", "taxId": 10239}], "organismName": "Viruses", "taxId": 10239},
    }


def _genomes() -> Iterator[bytes]:
    chosen = np.random.default_rng(1)
    bases = np.frombuffer(b"ACGT", np.uint8)
    lines = [[bases[chosen.integers(0, 4, BASES)]] for _ in range(ANCESTORS)]
    for _ in range(GENOMES):
        line = lines[chosen.integers(ANCESTORS)]
        genome = line[chosen.integers(len(line))].copy()
        if chosen.random() > 0.25:
            mutated = chosen.integers(0, BASES, 1 + chosen.poisson(1))
            genome[mutated] = bases[chosen.integers(0, 4, len(mutated))]
        line.append(genome)
        del line[:-RECENT]
        if chosen.random() < 0.3:
            begin = int(chosen.integers(0, BASES - 300))
            genome = genome.copy()
            genome[begin : begin + 300] = ord("N")
        yield genome.tobytes()


if __name__ == "__main__":
    main()
