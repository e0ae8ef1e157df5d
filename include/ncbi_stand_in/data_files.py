"""The files of a package for a selection of records."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from itertools import groupby

from ncbi_stand_in.package import DATA_REPORT, DataFile
from ncbi_stand_in.query import AuxReport, SequenceFile
from ncbi_stand_in.records import Record, World
from ncbi_stand_in.reports import annotation_report_line, biosample_report_line, data_report_line
from ncbi_stand_in.selection import Selection
from ncbi_stand_in.sequences import cds_fasta, genomic_fasta, protein_fasta


def data_files(selection: Selection, world: World, today: date) -> Iterator[DataFile]:
    """The data files for a request, in NCBI's order. The records are generated again for each file.

    A selection without records gets an empty data report only, in a small, valid package with a README, as NCBI's
    clients have seen it (contract notes, section 2).
    """

    def records() -> Iterator[Record]:
        return selection.records(world, today)

    request = selection.request
    if next(records(), None) is None:
        yield from report_files(records, ())
        return
    yield from report_files(records, request.aux_report)
    for sequence_file, name, file_type, entries in _FASTA_FILES:
        if sequence_file in request.sequence_files:
            yield DataFile(name, file_type, _fasta(records(), entries))


def _fasta(records: Iterable[Record], entries: Callable[[Record], Iterator[bytes]]) -> Iterator[bytes]:
    for record in records:
        yield from entries(record)


def report_files(records: Callable[[], Iterator[Record]], aux_reports: Collection[AuxReport]) -> Iterator[DataFile]:
    """The data report of records, and their auxiliary reports if requested."""
    yield DataFile(DATA_REPORT, "DATA_REPORT", map(data_report_line, records()))
    if AuxReport.ANNOTATION in aux_reports:
        lines = filter(None, map(annotation_report_line, records()))
        yield DataFile("annotation_report.jsonl", "ANNOTATION_REPORT", lines)
    if AuxReport.BIOSAMPLE_REPORT in aux_reports:
        yield DataFile("biosample_report.jsonl", "BIOSAMPLE_REPORT", _biosample_lines(records()))


def _biosample_lines(records: Iterable[Record]) -> Iterator[bytes]:
    """One line for each BioSample. The segments of an isolate are adjacent and share their BioSample."""
    for _, of_one_isolate in groupby(records, key=lambda record: record.isolate.biosample):
        line = biosample_report_line(next(of_one_isolate))
        if line is not None:
            yield line


_FASTA_FILES: tuple[tuple[SequenceFile, str, str, Callable[[Record], Iterator[bytes]]], ...] = (
    (SequenceFile.GENOME, "genomic.fna", "GENOMIC_NUCLEOTIDE_FASTA", genomic_fasta),
    (SequenceFile.CDS, "cds.fna", "CDS_NUCLEOTIDE_FASTA", cds_fasta),
    (SequenceFile.PROTEIN, "protein.faa", "PROTEIN_FASTA", protein_fasta),
)
