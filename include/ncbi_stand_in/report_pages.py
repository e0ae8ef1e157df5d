"""Pages of reports as REST responses, in JSON with snake_case names."""

import json
from collections.abc import Callable, Iterable
from datetime import date

from ncbi_stand_in.protobuf_json import encode, with_proto_names, without_defaults
from ncbi_stand_in.query import PageRequest, page_token
from ncbi_stand_in.records import Record, World
from ncbi_stand_in.reports import annotation_report_line, data_report_line
from ncbi_stand_in.selection import Selection


def data_report_page(request: PageRequest, world: World, today: date) -> str:
    """A page of data reports (message VirusDataReportPage); raises InvalidArgumentError."""
    records = Selection.from_request(request.records).records(world, today)
    return _page(request, records, data_report_line)


def annotation_report_page(request: PageRequest, world: World, today: date) -> str:
    """A page of annotation reports (message VirusAnnotationReportPage); raises InvalidArgumentError."""
    records = Selection.from_request(request.records).records(world, today)
    return _page(request, (record for record in records if record.genes), annotation_report_line)


def _page(request: PageRequest, records: Iterable[Record], line_of: Callable[[Record], bytes | None]) -> str:
    end, total_count, reports = request.first + request.size, 0, []
    for number, record in enumerate(records):
        total_count += 1
        if request.first <= number < end:
            line = (
                {"accession": record.accession_version}
                if request.accessions_only
                else json.loads(line_of(record) or b"{}")
            )
            reports.append(with_proto_names(line))
    next_page_token = page_token(end) if end < total_count else None
    page = {"reports": reports, "total_count": total_count, "next_page_token": next_page_token}
    return encode(without_defaults(page))
