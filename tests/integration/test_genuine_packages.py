"""Genuine packages of thousands of taxa: ingest, check, publication."""

import csv
import json
import re
from pathlib import Path

import duckdb
import pytest

from tests.support import packages
from tests.support.genuine import (
    GENUINE_2025,
    PACKAGES_2025,
    Site,
    lines_of,
    needs_genuine_packages,
    site_in,
    some_records,
)
from tests.support.warehouses import dicts, query
from virus_warehouse.ncbi.errors import DatasetsUnavailable
from virus_warehouse.publish.export import Format, export

pytestmark = needs_genuine_packages

HEPATITIS_E, HORSE_SICKNESS = 291484, 40050

ALL_REPORTS = 249_023
"""Lines of the package of thousands of taxa."""

SAME_TAXON_LATER = {
    "grapevine_fanleaf": {"unchanged": 1032, "touched": 7},
    "tobacco_streak": {"unchanged": 470, "inserted": 1},
}
"""Changes within 27 days, from the samples' README."""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path / "data")


AS_THEY_ARE = ("abisko_single_line", "blackfly_genomovirus_2", "thogoto")
"""Packages that `make test` has as they are."""

IN_PART = {
    "ahsv": ("ahsv_2025-01-05",),
    "fiv": ("fiv",),
    "gb_virus_c": ("gb_virus_c",),
    "hepatitis_e": ("hepatitis_e",),
    "others": (
        "cchf_orthonairovirus_haemorrhagiae",
        "grapevine_fanleaf_2025-01-05",
        "peach_latent_mosaic_viroid",
        "phage_phi6",
        "puumala",
        "rift_valley_fever",
        "tobacco_streak_2025-01-05",
        "tolcndv",
    ),
}
"""Sources of which `make test` has one record in so many, with the packages that they are from."""


@pytest.fixture(scope="module", params=["some", pytest.param("all", marks=pytest.mark.long)])
def given(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The packages, by the names of their sources."""
    if request.param == "all":
        paths = sorted(PACKAGES_2025.glob("*.zip"))
        return {path.stem.replace("-", "_").lower(): path.read_bytes() for path in paths}
    return {
        **{name: (PACKAGES_2025 / f"{name}.zip").read_bytes() for name in AS_THEY_ARE},
        **{source: some_records(names, one_in=20) for source, names in IN_PART.items()},
    }


@pytest.fixture(scope="module")
def all_packages(given: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The packages loaded and published."""
    site = site_in(tmp_path_factory.mktemp("genuine"))
    for source, content in given.items():
        site.run(source, content)
    site.publish()
    return site


def test_every_line_is_loaded_without_quarantine_or_drift(given: dict[str, bytes], all_packages: Site) -> None:
    lines = {source: len(lines_of(content)) for source, content in given.items()}
    snapshot = all_packages.data.snapshot
    assert dict(query(snapshot, "SELECT source, count(*) FROM virus_genome GROUP BY source")) == lines
    assert query(snapshot, "FROM ops.quarantine") == []
    assert query(snapshot, "FROM ops.schema_drift") == []


def test_findings_are_only_freshness_and_odd_dates(all_packages: Site) -> None:
    """The packages are of January 2025, hence the freshness finding; impossible collection dates are typing errors."""
    site = all_packages
    found = query(site.data.snapshot, "SELECT DISTINCT name, value FROM _about WHERE topic = 'finding' ORDER BY ALL")
    assert {name for name, _ in found} <= {"odd_dates", "freshness"}
    assert not [value for _, value in found if "update_date" in value]


@pytest.mark.parametrize("tax_id", [HEPATITIS_E, HORSE_SICKNESS])
def test_taxon_with_two_names_is_counted_once(all_packages: Site, tax_id: int) -> None:
    site = all_packages
    of_taxon = f"WHERE virus_tax_id = {tax_id}"
    given = query(site.data.snapshot, f"SELECT DISTINCT virus_name FROM virus_genome {of_taxon}")
    assert len(given) == 2, "the samples must have two names"
    for mart in ("weekly_count", "submission_lag"):
        shown = query(site.data.snapshot, f"SELECT DISTINCT virus_name FROM mart.{mart} {of_taxon}")
        assert shown == query(site.data.snapshot, f"SELECT name FROM taxon WHERE tax_id = {tax_id}")
    assert len(shown) == 1


def test_every_taxon_of_a_record_has_a_name(all_packages: Site) -> None:
    site = all_packages
    nameless = """
        SELECT DISTINCT tax_id FROM virus_genome INNER JOIN taxon ON tax_id IN (virus_tax_id, host_tax_id)
        WHERE name IS NULL
    """
    assert query(site.data.snapshot, nameless) == []


def test_placeholder_date_is_loaded_as_null(given: dict[str, bytes], all_packages: Site) -> None:
    unknown = "SELECT source, count(*) FROM virus_genome WHERE update_date IS NULL GROUP BY source"
    held = dict(query(all_packages.data.snapshot, unknown))
    placeholders = {
        source: sum(b'"updateDate":"1900-01-01' in line for line in lines_of(content))
        for source, content in given.items()
    }
    assert held == {source: count for source, count in placeholders.items() if count}
    assert min(held["fiv"], held["gb_virus_c"]) > 2


@pytest.fixture(scope="module", params=[25, pytest.param(1, marks=pytest.mark.long)], ids=["some", "all"])
def everything(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, list[bytes]]:
    """The package of thousands of taxa, or one record in 25 of it, loaded and published; and its lines."""
    site = site_in(tmp_path_factory.mktemp("everything"))
    lines = lines_of((GENUINE_2025 / "all_reports.zip").read_bytes())[:: request.param]
    result = site.run("everything", packages.package([line.decode() for line in lines]))
    assert result.counts["lines"] == result.counts["inserted"] == len(lines)
    site.publish()
    return site, lines


def test_quarter_of_a_million_records_of_thousands_of_taxa_are_loaded_and_published(
    everything: tuple[Site, list[bytes]],
) -> None:
    site, lines = everything
    viruses, hosts = (5000, 2500) if len(lines) == ALL_REPORTS else (1300, 1000)
    for table in ("quarantine", "schema_drift"):
        assert query(site.data.snapshot, f"FROM ops.{table}") == []
    counted = f"""
        SELECT count(*), count(DISTINCT virus_tax_id) > {viruses}, count(DISTINCT host_tax_id) > {hosts},
            count(*) FILTER (virus_tax_id IS NOT NULL AND taxon_name(virus_tax_id) IS NULL),
            count(*) FILTER (host_tax_id IS NOT NULL AND taxon_name(host_tax_id) IS NULL)
        FROM virus_genome_distinct
    """
    assert query(site.data.snapshot, counted) == [(len(lines), True, True, 0, 0)]


def test_every_record_is_in_augurs_metadata_with_a_strain_of_its_own_and_a_date(
    everything: tuple[Site, list[bytes]], tmp_path: Path
) -> None:
    site, lines = everything
    export(site.data.snapshot, tmp_path, Format.AUGUR)
    with (tmp_path / "metadata.tsv").open(newline="", encoding="utf-8") as file:
        assert '"' not in file.read()
        file.seek(0)
        rows = {row["accession"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert len(rows) == len({row["strain"] for row in rows.values()}) == len(lines)
    assert [row["strain"] for row in rows.values() if not re.fullmatch(r"[\w./+=~@-]+", row["strain"])] == []
    dates = {row["date"] for row in rows.values()}
    form = re.compile(r"\d{4}-\d\d-\d\d|\d{4}-\d\d-XX|\d{4}-XX-XX|XXXX-XX-XX")
    assert [date for date in dates if not form.fullmatch(date)] == []
    unknown = "SELECT count(*) FROM virus_genome WHERE collection_date_precision IS NULL"
    assert [(sum(row["date"] == "XXXX-XX-XX" for row in rows.values()),)] == query(site.data.snapshot, unknown)


def test_every_record_is_in_ncbis_table(everything: tuple[Site, list[bytes]], tmp_path: Path) -> None:
    site, lines = everything
    [file] = export(site.data.snapshot, tmp_path, Format.DATAFORMAT)
    report = tmp_path / "data_report.jsonl"
    report.write_bytes(b"\n".join(lines))
    written = f"""
        SELECT
            Accession, Length, "Release date", Completeness, "Isolate Lineage", "Isolate Collection date",
            "Geographic Location", "Host Name", "Virus Taxonomic ID", BioProjects, "Submitter Names"
        FROM read_csv('{file}', delim = '\t', quote = '', escape = '', all_varchar = true, header = true)
    """
    reported = f"""
        SELECT
            accession, length, releaseDate, completeness, trim(isolate.name), isolate.collectionDate,
            trim(location.geographicLocation), host.organismName, virus.taxId,
            array_to_string(bioprojects, ','), array_to_string(submitter.names, ',')
        FROM read_json('{report}', format = 'newline_delimited', columns = {{
            accession: 'VARCHAR', length: 'VARCHAR', releaseDate: 'VARCHAR', completeness: 'VARCHAR',
            isolate: 'STRUCT(name VARCHAR, collectionDate VARCHAR)', bioprojects: 'VARCHAR[]',
            location: 'STRUCT(geographicLocation VARCHAR)', host: 'STRUCT(organismName VARCHAR)',
            virus: 'STRUCT(taxId VARCHAR)', submitter: 'STRUCT(names VARCHAR[])'
        }})
    """
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT count(*) FROM ({written})").fetchall() == [(len(lines),)]
        assert connection.execute(f"({reported}) EXCEPT ({written}) LIMIT 5").fetchall() == []


def test_later_package_writes_only_changes(site: Site) -> None:
    for taxon, expected in SAME_TAXON_LATER.items():
        earlier, later = sorted(PACKAGES_2025.glob(f"{taxon}*.zip"), key=lambda path: path.stem[-10:])
        first = site.run(taxon, earlier.read_bytes())
        second = site.run(taxon, later.read_bytes(), mode="full")
        assert first.counts["lines"] == first.counts["inserted"]
        changes = {name: count for name, count in second.counts.items() if count and name != "lines"}
        assert changes == expected, taxon
    site.publish()


def has_lion_host(line: bytes) -> bool:
    return json.loads(line).get("host", {}).get("organismName") == "Panthera leo leo"


@pytest.fixture(scope="module")
def lions() -> bytes:
    """NCBI's response for this host: records without an update date."""
    fiv = (PACKAGES_2025 / "fiv.zip").read_bytes()
    return packages.package([line.decode() for line in lines_of(fiv) if has_lion_host(line)])


@pytest.fixture(scope="module")
def lions_site(lions: bytes, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A source of these records, loaded twice and published."""
    site = site_in(tmp_path_factory.mktemp("lions") / "data")
    results = [site.run("lions", lions) for _ in range(2)]
    assert [result.counts["inserted"] for result in results] == [56, 0]
    assert results[1].counts["unchanged"] == 56
    site.publish()
    return site


def test_source_without_update_dates_is_published_and_loaded_in_full_each_day(lions_site: Site) -> None:
    runs = dicts(lions_site.data.warehouse, "SELECT mode, watermark FROM ops.ingest_run ORDER BY started_at")
    assert runs == [{"mode": "full", "watermark": None}] * 2
    assert query(lions_site.data.snapshot, "SELECT name, value FROM _about WHERE topic = 'finding'") == []


def test_source_published_with_placeholder_dates_is_published_without_them(
    lions_site: Site, lions: bytes, tmp_path: Path
) -> None:
    """Snapshots of an earlier version have such dates."""
    site = lions_site.copy_to(tmp_path / "data")
    with duckdb.connect(site.data.snapshot) as snapshot:
        snapshot.execute("UPDATE virus_genome SET update_date = DATE '1900-01-01'")
    site.run("lions", lions, mode="full")
    site.publish()
    assert query(site.data.snapshot, "SELECT count(update_date) FROM virus_genome") == [(0,)]


def not_of_viruses(name: str) -> bytes:
    folder = GENUINE_2025 / "not_virus"
    if name == "a bacterium":
        return (folder / "bacterial_genome.zip").read_bytes()
    return packages.package((folder / "gene_data_report.jsonl").read_text(encoding="utf-8").splitlines())


def test_package_of_another_kind_fails_the_run_and_changes_nothing(site: Site) -> None:
    phages = (PACKAGES_2025 / "phage_decurro.zip").read_bytes()
    site.run("phages", phages)
    for name in ("a bacterium", "genes"):
        for mode in ("census", "census", None):
            with pytest.raises(DatasetsUnavailable, match="package refused"):
                site.run("phages", not_of_viruses(name), mode=mode)
    assert site.run("phages", phages, mode="census").counts["unchanged"] == 2
    assert query(site.data.warehouse, "SELECT status, count(*) FROM virus_genome GROUP BY ALL") == [("live", 2)]
    assert query(site.data.warehouse, "FROM ops.quarantine") == []
    assert len(list(site.data.refused.glob("*.zip"))) == 6
