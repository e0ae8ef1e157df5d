import io
import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from tests.support.nested_lines import BIOSAMPLE, FLATTENED, sample
from tests.support.warehouses import report as report_bytes
from virus_warehouse.reports import biosample_report
from virus_warehouse.reports.biosample_report import BIOSAMPLE_REPORT
from virus_warehouse.reports.reading import stage
from virus_warehouse.session import private_session
from virus_warehouse.warehouse import schema

COLUMNS = {
    "accession": "SAMN00000001",
    "title": "Pathogen: clinical",
    "comment": "Keep cold",
    "tax_id": 10244,
    "organism_name": "Monkeypox virus",
    "owner_name": "An institute",
    "owner_labs": ["Lab 1"],
    "package": "Pathogen.cl.1.0",
    "models": ["Pathogen.cl", "Virus"],
    "bioprojects": ["PRJNA2"],
    "bioproject_descriptions": [
        {
            "accession": "PRJNA2",
            "title": "Genomic surveillance",
            "parent_accession": "PRJNA1",
            "parent_accessions": ["PRJNA1", "PRJNA0"],
        }
    ],
    "sample_ids": [{"db": "SRA", "label": "Sample name", "value": "SRS1"}],
    "status": "live",
    "status_when": datetime.fromisoformat("2022-11-30T05:53:05.220"),
    "submission_date": datetime.fromisoformat("2022-11-28T05:53:05.220"),
    "publication_date": datetime.fromisoformat("2022-11-29"),
    "last_updated": datetime.fromisoformat("2022-12-06T17:04:34.453"),
    "age": "34",
    "biomaterial_provider": "a provider",
    "breed": "a breed",
    "collected_by": "a collector",
    "collection_date": "2021-02",
    "cultivar": "a cultivar",
    "dev_stage": "adult",
    "ecotype": "an ecotype",
    "geo_loc_name": "USA: Wisconsin",
    "host": "Homo sapiens",
    "host_disease": "COVID-19",
    "identified_by": "a taxonomist",
    "ifsac_category": "a category",
    "isolate": "an isolate",
    "isolate_name_alias": "an alias",
    "isolation_source": "swab",
    "lat_lon": "43.07 N 89.40 W",
    "project_name": "a project",
    "sample_name": "a sample",
    "serotype": "a serotype",
    "serovar": "a serovar",
    "sex": "female",
    "source_type": "a source type",
    "strain": "a strain",
    "sub_species": "a subspecies",
    "tissue": "lung",
}

OF_STAGING = {"line_number", "attributes", "biosample_hash"}
OF_THE_WAREHOUSE = {"source", "biosample_hash", "valid_from", "run_id"}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    (tmp_path / "spill").mkdir()
    with private_session(tmp_path / "spill") as connection:
        yield connection


def staged(session: DuckDBPyConnection, folder: Path, *lines: str) -> list[dict[str, Any]]:
    stage(BIOSAMPLE_REPORT, session, partial(io.BytesIO, report_bytes(lines)), folder)
    result = session.execute("FROM biosample_report ORDER BY line_number")
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_every_field_becomes_its_column(session: DuckDBPyConnection, tmp_path: Path) -> None:
    [row] = staged(session, tmp_path, json.dumps(BIOSAMPLE))
    assert row["attributes"] == BIOSAMPLE["attributes"]
    assert {name: value for name, value in row.items() if name not in OF_STAGING} == COLUMNS


def test_every_column_of_a_biosample_is_staged_or_the_warehouses_own() -> None:
    assert {column.name for column in schema.biosample.columns} - OF_THE_WAREHOUSE == COLUMNS.keys()
    assert sorted(FLATTENED) == sorted(biosample_report.FLATTENED)


def test_minimal_line_sets_no_other_column(session: DuckDBPyConnection, tmp_path: Path) -> None:
    [row] = staged(session, tmp_path, '{"accession":"SAMN1"}')
    said = {name: value for name, value in row.items() if value is not None and name not in OF_STAGING}
    assert said == {"accession": "SAMN1"}


def test_times_come_with_a_zone_or_as_a_day(session: DuckDBPyConnection, tmp_path: Path) -> None:
    rows = staged(session, tmp_path, *(sample(lastUpdated=text) for text in ("2022-12-06T17:04:34Z", "2022-12-06")))
    assert [row["last_updated"] for row in rows] == [
        datetime.fromisoformat(text) for text in ("2022-12-06T17:04:34", "2022-12-06")
    ]


MISSING = """
missing|Missing|MISSING| missing |not collected|not provided|restricted access|not applicable|missing: control sample
missing: sample group|missing: synthetic construct|missing: lab stock|missing: third party data
missing: data agreement established pre-2023|missing: endangered species|missing: human-identifiable
not applicable: lab stock|not collected: lost|Not Available|not determined|not known|not recorded|not reported
not specified|not stated|not_applicable|unknown|Unknown|unspecified|undetermined
n/a|N/A|NA|none|None|na|n.a.|ND|n.d.|null|-|--|?||.
""".replace("\n", "|").strip("|").split("|")  # fmt: skip

STATED = [
    "USA",
    "missing link",
    "not missing",
    "unknown: 5",
    "none of these",
    "No",
    "0",
    "Nara",
    "not collected from humans",
    "N.A.T.",
]


def test_missing_value_terms_are_cleaned(session: DuckDBPyConnection, tmp_path: Path) -> None:
    staged(session, tmp_path)
    assert len(MISSING) > 40
    for value in [*MISSING, None]:
        assert session.execute("SELECT stated(?)", [value]).fetchone() == (None,), value
    for value in STATED:
        assert session.execute("SELECT stated(?)", [value]).fetchone() == (value,), value
