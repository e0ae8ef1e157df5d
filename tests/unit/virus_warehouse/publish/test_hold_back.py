"""A source that the check blocks is shown as published before; all others are shown in their current state."""

import io
import logging
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.later_revision import add_later_revision
from tests.support.nested_lines import annotation, sample
from tests.support.snapshots import DISTINCT_RECORDS, distinct_by_the_warehouses_view
from tests.support.warehouses import MPOX, MPOX_ORGANISM, Store, accessions, line, lineage, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import publication
from virus_warehouse.publish.about import About, read_about
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.publish.gates import GateFailed, gates_sql
from virus_warehouse.publish.last_check import last_check
from virus_warehouse.publish.prepare import new_publication_id, prepare_candidate
from virus_warehouse.publish.publication import Overtaken, publish_candidate
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.warehouse.schema import full_name, tables_by_source

pytestmark = pytest.mark.slow  # each test publishes three sources, some of them several times

FLU = MPOX.model_copy(update={"name": "flu"})
ZIKA = MPOX.model_copy(update={"name": "zika"})
SOURCES = (MPOX, FLU, ZIKA)
FOLLOWED = SourcesFile(Path("sources.yaml"), {source.name: source for source in SOURCES})
TABLES = [*map(full_name, tables_by_source()), "ops.source_status"]


UNREADABLE_IN_PART = [*(line(accession) for accession in accessions(20)), *(f"{{{number}" for number in range(12))]
"""A third of the records; a load fails at half."""


def load_all(store: Store) -> None:
    """Load each source with forty records that have every field of the reports, and a bad line."""
    for source in SOURCES:
        store.load(
            *(line(accession, biosample="SAMN1") for accession in accessions(40)),
            "{",
            source=source,
            annotation=[annotation("PX000001.1", "A")],
            biosamples=[sample("SAMN1", attributes=[{"name": "host", "value": "missing"}])],
        )


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three sources, loaded and published."""
    data = DataFolder(tmp_path_factory.mktemp("first"))
    data.create()
    store = Store(data.root)
    load_all(store)
    publish(store, data)
    return store


@pytest.fixture(scope="module")
def later(first: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The same, but mpox has since lost a third of its records; then each source was loaded again with one more."""
    store = first.copy_to(tmp_path_factory.mktemp("later"))
    store.execute("DELETE FROM virus_genome WHERE source = 'mpox' AND accession BETWEEN 'PX000010' AND 'PX000022'")
    for source in SOURCES:
        other = {**MPOX_ORGANISM, "taxId": 7, "lineage": lineage((10239, "Viruses"), (7, "A new one"))}
        store.load(line("PX000001.2"), line("PY1.1", virus=other), source=source, mode="incremental")
    return store


@pytest.fixture
def store(data: DataFolder, first: Store, later: Store) -> Store:
    """A copy of it that a test can change, with the first snapshot."""
    shutil.copy2(DataFolder(first.folder).snapshot, data.snapshot)
    return later.copy_to(data.root)


@dataclass(frozen=True)
class Publication:
    """A published warehouse: its folder, when it was begun, what was published, and what was logged."""

    store: Store
    data: DataFolder
    begun: datetime
    about: About
    log: str

    def copy_to(self, data: DataFolder) -> Store:
        """A copy of snapshot and warehouse that a test can change."""
        shutil.copy2(self.data.snapshot, data.snapshot)
        return self.store.copy_to(data.root)


@pytest.fixture(scope="module")
def blocked(first: Store, later: Store, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    """The same, published: mpox is held back. Only to be read or copied."""
    data = DataFolder(tmp_path_factory.mktemp("blocked"))
    data.create()
    shutil.copy2(DataFolder(first.folder).snapshot, data.snapshot)
    store = later.copy_to(data.root)
    handler = logging.StreamHandler(io.StringIO())
    logger = logging.getLogger("virus_warehouse")
    logger.addHandler(handler)
    begun = datetime.now(UTC).replace(microsecond=0)
    try:
        about = publish(store, data)
    finally:
        logger.removeHandler(handler)
    return Publication(store, data, begun, about, handler.stream.getvalue())


def publish(store: Store, data: DataFolder, *accepted: str, source: str | None = None) -> About:
    return publication.publish(store.warehouse, data, FOLLOWED, accepted, source=source)


def rows(path: Path, table: str, source: str, columns: str = "*") -> list[tuple[Any, ...]]:
    return query(path, f"SELECT {columns} FROM {table} WHERE source = ? ORDER BY ALL", source)


def test_other_sources_are_published_and_the_blocked_one_is_unchanged(first: Store, blocked: Publication) -> None:
    before, now = DataFolder(first.folder).snapshot, blocked.data.snapshot
    assert set(blocked.about.held_back) == {"mpox"}
    for table in TABLES[:-1]:
        published = rows(before, table, "mpox", "* EXCLUDE source")
        assert rows(now, table, "mpox", "* EXCLUDE source") == published, table
        if table == "main.virus_genome":
            assert len(published) == 40
        if table in ("ops.quarantine", "main.virus_protein", "main.biosample_attribute", "ops.ingest_report"):
            assert published, table
    columns = "* EXCLUDE (held_back_since, held_back_reason)"
    assert rows(now, "ops.source_status", "mpox", columns) == rows(before, "ops.source_status", "mpox", columns)
    for source in ("flu", "zika"):
        for table in TABLES[:-1]:
            assert rows(now, table, source) == blocked.store.rows(
                f"FROM {table} WHERE source = '{source}' ORDER BY ALL"
            ), table
    assert query(now, gates_sql(FOLLOWED)) == [], "the published snapshot passes every gate"


def test_snapshot_records_what_is_blocked_since_when_and_why(blocked: Publication) -> None:
    about = blocked.about
    fault = "shrinkage of mpox: of 40 published records, 13 are missing, more than 5.0%"
    assert f"held back: {fault}" in blocked.log
    assert "mpox is held back in its last published state" in blocked.log
    assert blocked.begun <= about.held_back["mpox"] <= datetime.now(UTC)
    [finding] = about.findings
    assert finding.startswith(f"held back: {fault}")
    [(since, reason)] = query(
        blocked.data.snapshot,
        "SELECT held_back_since, held_back_reason FROM mart.source_status WHERE held_back_since NOTNULL",
    )
    assert since.replace(microsecond=0) == about.held_back["mpox"]
    assert reason.startswith(fault)
    assert "`virus-warehouse run SOURCE --mode full`" in reason
    assert "`virus-warehouse publish --source mpox --accept shrinkage`" in reason
    assert '`make publish SOURCE=mpox ACCEPT_FINDINGS="shrinkage"`' in reason
    counts = query(
        blocked.data.snapshot, "SELECT source, value FROM _about WHERE topic = 'count' AND name = 'virus_genome'"
    )
    assert sorted(counts) == [("flu", "41"), ("mpox", "40"), ("zika", "41")]
    check = last_check(blocked.data)
    assert check is not None
    assert check.blocked == ()


def test_records_of_several_sources_are_found_again(blocked: Publication, tmp_path: Path) -> None:
    snapshot = blocked.data.snapshot
    assert query(snapshot, DISTINCT_RECORDS) == distinct_by_the_warehouses_view(snapshot, tmp_path)
    new = query(snapshot, "SELECT sources FROM ops.shared_record WHERE accession = 'PY1'")
    assert new == [(["flu", "zika"],)], "mpox had it in the load that is held back"


def test_only_published_changes_are_listed(data: DataFolder, blocked: Publication) -> None:
    changes = blocked.about.changes
    assert set(changes) == {"flu", "zika"}
    assert changes["flu"] == {"inserted": 1, "revised": 1}
    store = blocked.copy_to(data)
    assert publish(store, data).changes == {}
    assert publish(store, data, "shrinkage").changes == {"mpox": {"inserted": 1, "revised": 1}}


def test_source_stays_blocked_since_the_first_time_until_it_is_fixed(data: DataFolder, blocked: Publication) -> None:
    store = blocked.copy_to(data)
    with duckdb.connect(data.snapshot) as connection:  # as if it had been blocked for a long time
        connection.execute(
            "UPDATE ops.source_status SET held_back_since = TIMESTAMPTZ '2025-06-02 00:00:00+00' WHERE source = 'mpox'"
        )
    assert publish(store, data).held_back == {"mpox": datetime(2025, 6, 2, tzinfo=UTC)}
    again = (line(accession, biosample="SAMN1") for accession in accessions(40))
    store.load(*again, line("PY1.1"), source=MPOX, accepts=Acceptance(emptied=True))
    about = publish(store, data)
    assert (about.held_back, about.findings) == ({}, [])
    assert len(rows(data.snapshot, "virus_genome", "mpox")) == 41
    assert query(data.snapshot, "SELECT count(*) FROM ops.source_status WHERE held_back_reason NOTNULL") == [(0,)]


def test_accepted_source_is_published(data: DataFolder, blocked: Publication) -> None:
    about = publish(blocked.copy_to(data), data, "shrinkage", source="mpox")
    assert about.held_back == {}
    assert [finding.split(" (")[0] for finding in about.findings] == [
        "accepted: shrinkage of mpox: of 40 published records, 13 are missing, more than 5.0%"
    ]
    assert len(rows(data.snapshot, "virus_genome", "mpox")) == 28


def test_blocked_source_that_was_never_published_is_absent(data: DataFolder, first: Store) -> None:
    shutil.copy2(DataFolder(first.folder).snapshot, data.snapshot)
    store = first.copy_to(data.root)
    rabies = MPOX.model_copy(update={"name": "rabies"})
    store.load(*UNREADABLE_IN_PART, source=rabies)
    store.load(line("PX000001.2"), source=FLU, mode="incremental")
    followed = SourcesFile(FOLLOWED.path, {**FOLLOWED.sources, "rabies": rabies})
    about = publication.publish(store.warehouse, data, followed)
    assert set(about.held_back) == {"rabies"}
    assert set(about.changes) == {"flu"}
    for table in TABLES[:-1]:
        assert rows(data.snapshot, table, "rabies") == [], table
    assert query(data.snapshot, "SELECT status, records FROM mart.source_status WHERE source = 'rabies'") == [
        ("never loaded", 0)
    ]


def test_nothing_is_published_where_every_source_would_be_absent(data: DataFolder) -> None:
    store = Store(data.root)
    store.load(*UNREADABLE_IN_PART)
    with pytest.raises(GateFailed, match=r"every source is held back\. quarantine_share of mpox"):
        publish(store, data)
    assert not data.snapshot.exists()
    publish(store, data, "quarantine_share")
    assert len(rows(data.snapshot, "virus_genome", "mpox")) == 20


def test_warehouse_fault_in_one_source_blocks_that_source(data: DataFolder, store: Store) -> None:
    store.execute("INSERT INTO virus_genome FROM virus_genome WHERE source = 'zika' AND accession = 'PX000002'")
    assert set(publish(store, data).held_back) == {"mpox", "zika"}
    assert len(rows(data.snapshot, "virus_genome", "zika")) == 40
    assert query(data.snapshot, gates_sql(FOLLOWED)) == []


def test_taxa_of_restored_records_exist(data: DataFolder, store: Store) -> None:
    """As after a rebuild, whose taxonomy contains only the taxa named in its packages."""
    store.execute("DELETE FROM taxon WHERE tax_id = 10244; DELETE FROM taxon_lineage WHERE descendant_tax_id = 10244")
    for source in ("flu", "zika"):
        store.execute(f"UPDATE virus_genome SET virus_tax_id = 7 WHERE source = '{source}'")
    publish(store, data)
    assert query(data.snapshot, "SELECT DISTINCT taxon_name(virus_tax_id) FROM virus_genome WHERE source = 'mpox'") == [
        ("Monkeypox virus",)
    ]
    assert query(data.snapshot, "SELECT count(*) FROM taxon_lineage WHERE descendant_tax_id = 10244") == [(3,)]
    assert query(data.snapshot, gates_sql(FOLLOWED)) == []


def test_moved_taxon_keeps_its_current_lineage(data: DataFolder, store: Store) -> None:
    store.execute("UPDATE taxon_lineage SET ancestor_tax_id = 7 WHERE descendant_tax_id = 10244 AND depth = 1")
    publish(store, data)
    lineages = "SELECT ancestor_tax_id, depth FROM taxon_lineage WHERE descendant_tax_id = 10244 ORDER BY depth"
    assert query(data.snapshot, lineages) == [(10244, 0), (7, 1), (10239, 2)]


@pytest.mark.parametrize("changes", ["", "DROP TABLE _about"], ids=["with _about", "without"])
def test_rows_published_by_an_earlier_version_are_restored_in_the_current_schema(
    data: DataFolder, store: Store, monkeypatch: pytest.MonkeyPatch, changes: str
) -> None:
    """The warehouse is migrated before it is copied."""
    with duckdb.connect(data.snapshot) as connection:
        connection.execute(changes)
    later = add_later_revision(data.root, monkeypatch)
    assert set(publish(store, data).held_back) == {"mpox"}
    assert len(rows(data.snapshot, "virus_genome", "mpox")) == 40
    assert len(rows(data.snapshot, "ops.quarantine", "mpox", "note")) == 1
    for path in (store.warehouse.path, data.snapshot):
        assert query(path, "SELECT version_num FROM ops.alembic_version") == [(later,)]
    assert {path.name for path in data.candidates.iterdir()} == {".lock", "last_check.json"}


def test_too_old_snapshot_stops_a_publication_until_it_is_accepted(data: DataFolder, store: Store) -> None:
    with duckdb.connect(data.snapshot) as connection:
        connection.execute(
            "DROP TABLE ops.acceptance; ALTER TABLE ops.schema_drift DROP last_run_id; "
            "UPDATE ops.alembic_version SET version_num = '0007'"
        )
    before = data.snapshot.read_bytes()
    with pytest.raises(migrate.SchemaTooOld, match=r"virus.duckdb has schema revision 0007.*accept it once"):
        publish(store, data)
    assert data.snapshot.read_bytes() == before
    assert publish(store, data, "shrinkage").held_back == {}
    assert query(data.snapshot, "SELECT version_num FROM ops.alembic_version") == [(migrate.newest_revision(),)]


def test_source_neither_configured_nor_published_is_named(data: DataFolder, store: Store) -> None:
    store.load(*UNREADABLE_IN_PART, source=MPOX.model_copy(update={"name": "rabies"}))
    assert set(publish(store, data).held_back) == {"mpox", "rabies"}
    assert query(data.snapshot, "SELECT status, records FROM ops.source_status WHERE source = 'rabies'") == [
        ("not followed", 0)
    ]


def test_lost_warehouse_does_not_empty_the_snapshot(data: DataFolder, first: Store) -> None:
    shutil.copy2(DataFolder(first.folder).snapshot, data.snapshot)
    assert set(publish(Store(data.root), data).held_back) == {source.name for source in SOURCES}
    assert query(data.snapshot, "SELECT count(*) FROM virus_genome") == [(120,)]


def test_retry_after_a_kill_gives_the_same_result(
    data: DataFolder, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = prepare_candidate(store.warehouse, data, "publication-1", FOLLOWED)
    check_candidate(candidate, FOLLOWED, data.snapshot)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Path, "chmod", die)
        with pytest.raises(KeyboardInterrupt):
            publish_candidate(data, "publication-1")
    assert publish_candidate(data, "publication-1")
    assert len(rows(data.snapshot, "virus_genome", "mpox")) == 40
    assert set(read_about(data.snapshot).held_back) == {"mpox"}


def test_no_source_reverts_behind_a_concurrent_publication(data: DataFolder, store: Store) -> None:
    """Two concurrent publications: a finding is accepted for the first, and the second does not have the acceptance."""
    check_candidate(prepare_candidate(store.warehouse, data, "1", FOLLOWED), FOLLOWED, data.snapshot, ["shrinkage"])
    store.load(line("PY2.1"), source=FLU, mode="incremental")
    check_candidate(prepare_candidate(store.warehouse, data, "2", FOLLOWED), FOLLOWED, data.snapshot)
    assert publish_candidate(data, "1")
    assert len(rows(data.snapshot, "virus_genome", "mpox")) == 28
    assert read_about(data.snapshot).changes["flu"] == {"inserted": 1, "revised": 1}
    assert publish_candidate(data, "2")
    assert len(rows(data.snapshot, "virus_genome", "mpox")) == 28
    assert len(rows(data.snapshot, "virus_genome", "flu")) == 42
    assert read_about(data.snapshot).changes == {"flu": {"inserted": 1}}, (
        "records shown by the first publication are not a change"
    )


def test_overtaken_candidate_is_dropped(data: DataFolder, store: Store) -> None:
    check_candidate(prepare_candidate(store.warehouse, data, "1", FOLLOWED), FOLLOWED, data.snapshot)
    publish(store, data, "shrinkage")
    assert not publish_candidate(data, "1")
    assert len(rows(data.snapshot, "virus_genome", "mpox")) == 28


def test_overtaken_acceptance_is_not_lost_silently(data: DataFolder, store: Store) -> None:
    check_candidate(prepare_candidate(store.warehouse, data, "1", FOLLOWED), FOLLOWED, data.snapshot, ["shrinkage"])
    publish(store, data)
    with pytest.raises(Overtaken, match="holds back mpox, which this one accepts: publish again"):
        publish_candidate(data, "1")
    assert publish(store, data, "shrinkage").held_back == {}


def test_retries_of_a_publication_share_one_candidate() -> None:
    moment = datetime(2026, 11, 29, 6, tzinfo=UTC)
    first, again, other = (new_publication_id(moment, name) for name in ("run 1", "run 1", "run 2"))
    assert first == again != other
    assert first.startswith("20261129T060000Z-")
    assert new_publication_id() != new_publication_id()


def test_emptied_fields_accepted_at_load_do_not_block(data: DataFolder) -> None:
    store = Store(data.root)
    store.load(*(line(accession, isolate={"name": "known"}) for accession in accessions(40)))
    publish(store, data)
    store.load(*(line(accession) for accession in accessions(40)), accepts=Acceptance(emptied=True))
    assert publish(store, data).held_back == {}
    store.execute("UPDATE virus_genome SET length = NULL")
    store.load(line("PY1.1"), mode="incremental")
    assert set(publish(store, data).held_back) == {"mpox"}, "this once"
