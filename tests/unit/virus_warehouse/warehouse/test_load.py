from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.warehouses import (
    DENGUE,
    FIRST_COMMIT,
    MPOX,
    MPOX_ORGANISM,
    Store,
    accessions,
    dicts,
    line,
    lineage,
)
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.warehouse.run_record import OUTCOMES

HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def current(store: Store, columns: str = "accession_version, update_date::VARCHAR, lab_host") -> list[tuple[Any, ...]]:
    return store.rows(f"SELECT {columns} FROM virus_genome ORDER BY source, accession")


def history(
    store: Store, columns: str = "accession_version, update_date::VARCHAR, lab_host, ended_by"
) -> list[tuple[Any, ...]]:
    return store.rows(f"SELECT {columns} FROM virus_genome_history ORDER BY source, accession, valid_from")


class TestVersionOrder:
    def test_new_record_is_inserted(self, store: Store) -> None:
        assert store.load(line("PX1.2", "2025-05-01", labHost="Vero")) == {"inserted": 1}
        assert current(store) == [("PX1.2", "2025-05-01", "Vero")]
        own = "source, status, missing_since, valid_from, run_id"
        assert current(store, own) == [("mpox", "live", None, FIRST_COMMIT + HOUR, "run-1")]
        assert history(store) == []

    def test_same_line_again_writes_nothing(self, store: Store) -> None:
        store.first_load(line("PX1.1"))
        before = dicts(store.warehouse.path, "FROM virus_genome")
        assert store.load(line("PX1.1")) == {"unchanged": 1}
        assert dicts(store.warehouse.path, "FROM virus_genome") == before
        assert history(store) == []

    def test_changed_content_is_a_revision(self, store: Store) -> None:
        store.first_load(line("PX1.1", "2025-05-01"))
        assert store.load(line("PX1.1", "2025-05-02", labHost="Vero")) == {"revised": 1}
        assert current(store) == [("PX1.1", "2025-05-02", "Vero")]
        assert history(store) == [("PX1.1", "2025-05-01", None, "revision")]

    def test_changed_content_on_the_same_day_is_a_revision_too(self, store: Store) -> None:
        store.first_load(line("PX1.1", "2025-05-01"))
        assert store.load(line("PX1.1", "2025-05-01", labHost="Vero")) == {"revised": 1}
        assert current(store) == [("PX1.1", "2025-05-01", "Vero")]

    def test_removed_field_becomes_null(self, store: Store) -> None:
        store.load(line("PX1.1", "2025-05-01", labHost="Vero"))
        assert store.load(line("PX1.1", "2025-05-02")) == {"revised": 1}
        assert current(store) == [("PX1.1", "2025-05-02", None)]

    def test_higher_version_is_a_revision_of_the_same_record_whatever_its_date(self, store: Store) -> None:
        store.load(line("PX1.9", "2025-05-01"))
        assert store.load(line("PX1.10", "2025-04-01")) == {"revised": 1}
        assert current(store, "accession, version, update_date::VARCHAR") == [("PX1", 10, "2025-04-01")]
        assert history(store) == [("PX1.9", "2025-05-01", None, "revision")]

    def test_later_date_alone_is_updated_in_place(self, store: Store) -> None:
        store.first_load(line("PX1.1", "2025-05-01"))
        assert store.load(line("PX1.1", "2025-05-02")) == {"touched": 1}
        assert current(store, "update_date::VARCHAR, valid_from, run_id") == [
            ("2025-05-02", FIRST_COMMIT + HOUR, "run-1")
        ]
        assert history(store) == []

    def test_date_that_becomes_known_is_updated_in_place(self, store: Store) -> None:
        store.load(line("PX1.1", None))
        assert store.load(line("PX1.1", "2025-05-02")) == {"touched": 1}
        assert store.load(line("PX1.1", None)) == {"stale": 1}

    @pytest.mark.slow
    def test_ncbi_placeholder_date_is_not_a_date(self, store: Store) -> None:
        assert store.load(line("PX1.1", "1900-01-01")) == {"inserted": 1}
        assert current(store) == [("PX1.1", None, None)]
        assert store.load(line("PX1.1", "1900-01-01")) == {"unchanged": 1}
        assert store.load(line("PX1.1", "2025-05-02")) == {"touched": 1}

    def test_change_without_a_date_is_taken_from_the_newest_package(self, store: Store) -> None:
        store.load(line("PX1.1", "2025-05-02"))
        undated = line("PX1.1", "1900-01-01", labHost="Vero")
        assert store.load(undated, is_newest_package=False) == {"stale": 1}
        assert store.load(undated) == {"revised": 1}
        assert current(store) == [("PX1.1", None, "Vero")]

    def test_record_without_a_date_is_outside_a_window_that_ends(self, store: Store) -> None:
        since, until = date(2025, 5, 1), date(2025, 6, 1)
        assert store.load(line("PX1.1", "1900-01-01"), mode="window", since=since, until=until) == {"out_of_window": 1}

    def test_older_version_or_date_is_stale(self, store: Store) -> None:
        store.load(*(line(f"PX{number}.2", "2025-05-01") for number in range(1, 5)))
        before = dicts(store.warehouse.path, "FROM virus_genome ORDER BY accession")
        older = [
            line("PX1.1", "2025-06-01", labHost="older version"),
            line("PX2.2", "2025-04-30", labHost="older date"),
            line("PX3.2", "2025-04-30"),
            line("PX4.2", None),
        ]
        assert store.load(*older) == {"stale": 4}
        assert dicts(store.warehouse.path, "FROM virus_genome ORDER BY accession") == before
        assert history(store) == []

    @pytest.mark.parametrize("held", [False, True])
    def test_of_several_lines_of_a_record_one_wins_and_the_others_are_duplicates(
        self, store: Store, held: bool
    ) -> None:
        of_each_record = {
            "higher version": ["PX1.2 2025-05-01 a", "PX1.10 2025-04-01 b", "PX1.1 2025-06-01 c"],
            "later date": ["PX2.1 2025-05-02 a", "PX2.1 2025-05-03 b", "PX2.1 2025-05-01 c"],
            "last line": ["PX3.1 2025-05-01 a", "PX3.1 2025-05-01 b", "PX3.1 2025-05-01 c"],
        }
        if held:
            store.load(*(line(f"PX{number}.1", "2025-01-01") for number in (1, 2, 3)))
        given = [text.split() for lines in of_each_record.values() for text in lines]
        outcomes = store.load(*(line(accession, updated, labHost=host) for accession, updated, host in given))
        assert outcomes == {"revised" if held else "inserted": 3, "duplicate": 6}
        assert sorted(current(store)) == [
            ("PX1.10", "2025-04-01", "b"),
            ("PX2.1", "2025-05-03", "b"),
            ("PX3.1", "2025-05-01", "c"),
        ]

    def test_outcomes_of_a_mixed_package_add_up(self, store: Store) -> None:
        store.load(*(line(f"PX{number}.2", "2025-05-10") for number in range(1, 5)))
        outcomes = store.load(
            line("PX1.2", "2025-05-10"),
            line("PX2.2", "2025-05-11"),
            line("PX3.2", "2025-05-11", labHost="Vero"),
            line("PX4.1", "2025-05-11"),
            line("PX5.1", "2025-05-11"),
            line("PX5.1", "2025-05-11"),
            line("PX6.1", "2025-05-20"),
            "{",
            mode="window",
            since=date(2025, 5, 1),
            until=date(2025, 5, 20),
        )
        assert outcomes == dict.fromkeys(OUTCOMES, 1)

    @pytest.mark.slow
    def test_history_is_without_gaps_or_overlaps(self, store: Store) -> None:
        for number, host in enumerate(("a", "b", "c")):
            store.load(line("PX1.1", f"2025-05-0{number + 1}", labHost=host))
        columns = "lab_host, valid_from, valid_to, run_id, ended_run_id"
        assert history(store, columns) == [
            ("a", FIRST_COMMIT + HOUR, FIRST_COMMIT + 2 * HOUR, "run-1", "run-2"),
            ("b", FIRST_COMMIT + 2 * HOUR, FIRST_COMMIT + 3 * HOUR, "run-2", "run-3"),
        ]
        assert current(store, "lab_host, valid_from, run_id") == [("c", FIRST_COMMIT + 3 * HOUR, "run-3")]

    def test_past_state_is_the_row_as_it_was(self, store: Store) -> None:
        store.load(line("PX1.1", isolate={"name": "a", "collectionDate": "2019-12"}, sraAccessions=["SRR1"]))
        [before] = dicts(store.warehouse.path, "FROM virus_genome")
        store.load(line("PX1.2"))
        [past] = dicts(
            store.warehouse.path, "SELECT * EXCLUDE (valid_to, ended_by, ended_run_id) FROM virus_genome_history"
        )
        assert past == before

    @pytest.mark.slow
    def test_two_sources_are_independent(self, store: Store) -> None:
        store.load(line("PX1.1", labHost="mpox"), line("PX2.1"))
        assert store.load(line("PX1.1", labHost="dengue"), source=DENGUE) == {"inserted": 1}
        assert current(store, "source, accession, lab_host") == [
            ("dengue", "PX1", "dengue"),
            ("mpox", "PX1", "mpox"),
            ("mpox", "PX2", None),
        ]
        store.load(line("PX1.2", labHost="revised"), source=DENGUE)
        store.load(line("PX1.1", "2025-05-09", labHost="mpox"), line("PX2.1"))
        assert history(store, "source, accession, lab_host") == [("dengue", "PX1", "dengue")]
        assert current(store, "source, accession, lab_host, update_date::VARCHAR") == [
            ("dengue", "PX1", "revised", "2025-05-01"),
            ("mpox", "PX1", "mpox", "2025-05-09"),
            ("mpox", "PX2", None, "2025-05-01"),
        ]
        store.load(line("PX2.1"), filter_changed=True)
        assert current(store, "source, accession") == [("dengue", "PX1"), ("mpox", "PX2")]


class TestWindow:
    def test_rows_outside_the_window_are_not_merged(self, store: Store) -> None:
        days = ("2025-05-09", "2025-05-10", "2025-05-11", "2025-05-12", None)
        lines = [line(f"PX{number}.1", day) for number, day in enumerate(days)]
        outcomes = store.load(*lines, mode="window", since=date(2025, 5, 10), until=date(2025, 5, 12))
        assert outcomes == {"inserted": 2, "out_of_window": 3}
        assert current(store, "accession") == [("PX1",), ("PX2",)]

    def test_window_without_an_end_is_open_ended(self, store: Store) -> None:
        lines = [line(f"PX{number}.1", day) for number, day in enumerate(("2025-05-09", "2025-05-10", None))]
        outcomes = store.load(*lines, mode="window", since=date(2025, 5, 10))
        assert outcomes == {"inserted": 2, "out_of_window": 1}


@pytest.mark.slow
class TestOlderPackage:
    """A package requested before another that was committed, for example from the archive."""

    def test_it_inserts_unknown_records(self, store: Store) -> None:
        store.first_load(line("PX1.1"))
        assert store.load(line("PX2.1"), mode="window", is_newest_package=False) == {"inserted": 1}
        assert current(store, "accession, valid_from") == [
            ("PX1", FIRST_COMMIT + HOUR),
            ("PX2", FIRST_COMMIT + 2 * HOUR),
        ]

    def test_it_raises_version_and_date(self, store: Store) -> None:
        store.load(*(line(f"PX{number}.1", "2025-05-01") for number in (1, 2, 3)))
        newer = [
            line("PX1.1", "2025-05-02"),
            line("PX2.1", "2025-05-02", labHost="Vero"),
            line("PX3.2", "2025-04-01"),
        ]
        assert store.load(*newer, mode="window", is_newest_package=False) == {"touched": 1, "revised": 2}
        assert current(store) == [
            ("PX1.1", "2025-05-02", None),
            ("PX2.1", "2025-05-02", "Vero"),
            ("PX3.2", "2025-04-01", None),
        ]

    def test_it_overwrites_nothing_of_the_same_version_and_date(self, store: Store) -> None:
        store.load(line("PX1.1", labHost="newer package"))
        before = dicts(store.warehouse.path, "FROM virus_genome")
        assert store.load(line("PX1.1", labHost="older package"), mode="window", is_newest_package=False) == {
            "stale": 1
        }
        assert store.load(line("PX1.1", labHost="newer package"), mode="window", is_newest_package=False) == {
            "unchanged": 1
        }
        assert dicts(store.warehouse.path, "FROM virus_genome") == before

    def test_it_reinstates_nothing(self, store: Store) -> None:
        store.first_load(line("PX1.1"), line("PX2.1"))
        store.load(line("PX1.1"), filter_changed=True)
        assert store.load(line("PX2.2", "2025-06-01"), mode="window", is_newest_package=False) == {"stale": 1}
        assert current(store, "accession") == [("PX1",)]
        assert store.load(line("PX2.1"), mode="incremental") == {"inserted": 1}

    def test_record_ended_by_another_source_is_unknown_to_this_one(self, store: Store) -> None:
        store.load(line("PX1.1"), line("PX2.1"), source=DENGUE)
        store.load(line("PX1.1"), source=DENGUE, filter_changed=True)
        assert store.load(line("PX2.1"), mode="window", is_newest_package=False) == {"inserted": 1}

    def test_it_changes_no_taxon_that_is_known(self, store: Store) -> None:
        store.first_load(line("PX1.1"))
        before = store.rows("FROM taxon ORDER BY ALL"), store.rows("FROM taxon_lineage ORDER BY ALL")
        renamed = {"taxId": 10244, "organismName": "old name", "lineage": lineage((10239, "old"), (10244, "old name"))}
        store.load(line("PX2.1", virus=renamed), mode="window", is_newest_package=False)
        assert (store.rows("FROM taxon ORDER BY ALL"), store.rows("FROM taxon_lineage ORDER BY ALL")) == before

    def test_it_adds_the_taxa_that_its_new_records_name(self, store: Store) -> None:
        # Without them the gate "no orphans" would block every later publication.
        store.first_load(line("PX1.1"))
        host = {
            "taxId": 9606,
            "organismName": "Homo sapiens",
            "lineage": lineage((9605, "Homo"), (9606, "Homo sapiens")),
        }
        store.load(line("PX2.1", host=host), mode="window", is_newest_package=False)
        assert store.rows(gates_sql()) == []
        assert store.rows(
            "SELECT ancestor_tax_id FROM taxon_lineage WHERE descendant_tax_id = 9606 ORDER BY depth"
        ) == [
            (9606,),
            (9605,),
        ]


@pytest.mark.slow
class TestTaxonomy:
    def test_newest_package_renames_and_moves_taxa(self, store: Store) -> None:
        store.first_load(line("PX1.1"))
        moved = {
            "taxId": 10244,
            "organismName": "Orthopoxvirus monkeypox",
            "lineage": lineage((10239, "Viruses"), (5, "new family"), (10244, "Orthopoxvirus monkeypox")),
        }
        store.load(line("PX2.1", virus=moved), mode="incremental")
        assert store.rows("FROM taxon ORDER BY tax_id") == [
            (5, "new family"),
            (10239, "Viruses"),
            (10240, "Poxviridae"),
            (10244, "Orthopoxvirus monkeypox"),
        ]
        lines = "SELECT ancestor_tax_id, depth FROM taxon_lineage WHERE descendant_tax_id = 10244 ORDER BY depth"
        assert store.rows(lines) == [(10244, 0), (5, 1), (10239, 2)]

    def test_taxon_without_a_lineage_keeps_its_current_one(self, store: Store) -> None:
        store.first_load(line("PX1.1"))
        before = store.rows("FROM taxon_lineage ORDER BY ALL")
        store.load(line("PX2.1", virus={**MPOX_ORGANISM, "lineage": []}), mode="incremental")
        assert store.rows("FROM taxon_lineage ORDER BY ALL") == before

    def test_name_is_never_replaced_by_null(self, store: Store) -> None:
        human = {
            "taxId": 9606,
            "organismName": "Homo sapiens",
            "lineage": lineage((9605, "Homo"), (9606, "Homo sapiens")),
        }
        hosts = [*[human] * 20, {"taxId": 9606}]
        lines = [line(accession, host=host) for accession, host in zip(accessions(21), hosts, strict=True)]
        store.load(*lines[:20])
        store.load(lines[20], mode="incremental")
        named = "SELECT count(*) FROM virus_genome JOIN taxon ON tax_id = host_tax_id WHERE name = 'Homo sapiens'"
        assert store.rows(named) == [(21,)]
        below = "SELECT count(*) FROM virus_genome JOIN taxon_lineage ON descendant_tax_id = host_tax_id"
        assert store.rows(f"{below} WHERE ancestor_tax_id = 9605") == [(21,)]

    def test_former_name_in_a_record_renames_no_taxon(self, store: Store) -> None:
        store.first_load(line("PX1.1"))
        former = {"taxId": 10244, "organismName": "Poxviridae"}
        store.load(line("PX2.1", virus=former), mode="incremental")
        assert store.rows("SELECT name FROM taxon WHERE tax_id = 10244") == [("Monkeypox virus",)]
        assert store.rows("SELECT virus_name FROM virus_genome WHERE accession = 'PX2'") == [("Poxviridae",)]

    @pytest.mark.parametrize("is_newest_package", [True, False])
    def test_name_that_becomes_known_is_stored(self, store: Store, is_newest_package: bool) -> None:
        store.load(line("PX1.1", virus={"taxId": 10244}))
        assert store.rows("FROM taxon") == [(10244, None)]
        store.load(line("PX2.1", virus={"taxId": 10244, "organismName": "mpox"}), mode="incremental")
        assert store.rows("FROM taxon") == [(10244, "mpox")]
        store.load(line("PX3.1"), mode="window", is_newest_package=is_newest_package)
        name = "Monkeypox virus" if is_newest_package else "mpox"
        assert store.rows("SELECT name FROM taxon WHERE tax_id = 10244") == [(name,)]


class TestQuarantine:
    def test_bad_line_is_kept_and_the_rest_is_loaded(self, store: Store) -> None:
        assert store.load(line("PX1.1"), '{"accession":"PX2"}', line("PX3.1")) == {"inserted": 2, "quarantined": 1}
        columns = "source, report, line_number, raw, first_run_id, last_run_id, replayed_at"
        assert store.rows(f"SELECT {columns} FROM ops.quarantine") == [
            ("mpox", "data_report", 2, '{"accession":"PX2"}', "run-1", "run-1", None)
        ]

    @pytest.mark.slow
    def test_repeated_bad_line_is_stored_once(self, store: Store) -> None:
        store.load(line("PX1.1"), "{", "{", "[")
        store.load("{", line("PX1.1"))
        store.load("{", line("PX1.1"), source=DENGUE)
        columns = "source, line_number, raw, first_run_id, last_run_id"
        assert store.rows(f"SELECT {columns} FROM ops.quarantine ORDER BY ALL") == [
            ("dengue", 1, "{", "run-3", "run-3"),
            ("mpox", 2, "{", "run-1", "run-2"),
            ("mpox", 4, "[", "run-1", "run-1"),
        ]


def everything(store: Store) -> list[list[tuple[Any, ...]]]:
    tables = ("virus_genome", "virus_genome_history", "taxon", "taxon_lineage", "ops.quarantine", "ops.ingest_run")
    return [store.rows(f"FROM {table} ORDER BY ALL") for table in tables]


@pytest.mark.slow
class TestGates:
    @pytest.mark.parametrize(("count", "lines"), [(1, "1 line"), (3, "3 lines")])
    def test_unaccounted_line_fails_the_load(self, store: Store, count: int, lines: str) -> None:
        store.first_load(line("PX1.1"))
        before = everything(store)
        with pytest.raises(GateError, match=rf"conservation: {lines} in .* but 1 inserted \+ 1 duplicate = 2\."):
            store.load(line("PX2.1"), line("PX2.1"), reported_lines=count)
        assert everything(store) == before

    def test_mostly_unreadable_report_fails_the_load(self, store: Store) -> None:
        store.first_load(line("PX1.1"))
        before = everything(store)
        good = [line(accession) for accession in accessions(10)]
        with pytest.raises(GateError, match=r"quarantine share: 11 of 21 lines .* more than 50%"):
            store.load(*good, *("{" * number for number in range(1, 12)), mode="incremental")
        assert everything(store) == before

    def test_half_unreadable_is_still_loaded(self, store: Store) -> None:
        good = [line(accession) for accession in accessions(11)]
        bad = ["{" * number for number in range(1, 12)]
        assert store.load(*good, *bad) == {"inserted": 11, "quarantined": 11}

    def test_few_unreadable_lines_do_not_fail_the_load(self, store: Store) -> None:
        assert store.load(*("{" * number for number in range(1, 11))) == {"quarantined": 10}

    def test_full_load_missing_too_many_records_is_refused(self, store: Store) -> None:
        store.load(*(line(accession) for accession in accessions(300)))
        before = everything(store)
        with pytest.raises(GateError, match=r"missing records: .* lacks 16 of the 300 held records, more than 5%"):
            store.load(*(line(accession) for accession in accessions(284)))
        assert everything(store) == before
        assert store.load(*(line(accession) for accession in accessions(285))) == {"unchanged": 285}

    def test_new_records_do_not_hide_a_loss(self, store: Store) -> None:
        store.load(*(line(accession) for accession in accessions(40)))
        new = [line(f"PY{number:06}.1") for number in range(400)]
        with pytest.raises(GateError, match="lacks 10 of the 40 held records"):
            store.load(*(line(accession) for accession in accessions(30)), *new)

    def test_nine_absent_records_do_not_fail_the_load(self, store: Store) -> None:
        store.first_load(*(line(accession) for accession in accessions(20)))
        assert store.load(*(line(accession) for accession in accessions(11))) == {"unchanged": 11}
        with pytest.raises(GateError, match="lacks 10 of the 20"):
            store.load(*(line(accession) for accession in accessions(10)))

    def test_loss_can_be_accepted(self, store: Store) -> None:
        store.first_load(*(line(accession) for accession in accessions(20)))
        assert store.load(line("PX000001.1"), accepts=Acceptance(missing=True)) == {"unchanged": 1}
        assert len(current(store)) == 20

    def test_full_load_that_empties_a_field_is_refused(self, store: Store) -> None:
        place, isolate = {"geographicLocation": "USA: Ohio"}, {"name": "a"}
        store.load(*(line(accession, location=place, isolate=isolate) for accession in accessions(100)))
        before = everything(store)
        emptied = [line(accession, isolate=isolate) for accession in accessions(100)]
        with pytest.raises(
            GateError,
            match=r"emptied fields: .* has lost values of location.geographicLocation \(of 100 .*, 100 lost it\)",
        ):
            store.load(*emptied)
        assert everything(store) == before
        assert store.load(*emptied, accepts=Acceptance(emptied=True)) == {"revised": 100}

    def test_partly_emptied_field_is_logged(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        everyone = accessions(100)
        host = {"taxId": 9606, "organismName": "Homo sapiens"}
        store.load(*(line(accession, host=host) for accession in everyone))
        with_few_hosts = [line(accession, **({} if n < 10 else {"host": host})) for n, accession in enumerate(everyone)]
        assert store.load(*with_few_hosts) == {"revised": 10, "unchanged": 90}
        assert "has lost values of" in caplog.text
        assert "host.taxId (of 100 records that had it, 10 lost it)" in caplog.text

    def test_allowed_emptied_share_is_set_by_the_source(self, store: Store) -> None:
        filled = [line(accession, labHost="Vero E6") for accession in accessions(100)]
        store.load(*filled)
        assert store.load(*map(line, accessions(10)), *filled[10:]) == {"revised": 10, "unchanged": 90}
        with pytest.raises(GateError, match=r"labHost \(of 90 records that had it, 10 lost it\): more than 10%"):
            store.load(*map(line, accessions(20)), *filled[20:])
        patient = MPOX.model_copy(update={"max_emptied": 0.5})
        assert store.load(*map(line, accessions(20)), *filled[20:], source=patient) == {
            "revised": 10,
            "unchanged": 90,
        }

    def test_default_replacing_a_value_empties_the_field(self, store: Store) -> None:
        store.load(*(line(accession, completeness="COMPLETE", isAnnotated=True) for accession in accessions(10)))
        with pytest.raises(GateError, match=r"completeness .* isAnnotated "):
            store.load(*map(line, accessions(10)))

    def test_only_a_full_load_is_checked_for_emptied_fields(self, store: Store) -> None:
        store.load(*(line(accession, labHost="Vero E6") for accession in accessions(20)))
        assert store.load(*map(line, accessions(20)), mode="incremental") == {"revised": 20}

    def test_allowed_missing_share_is_set_by_the_source(self, store: Store) -> None:
        patient = MPOX.model_copy(update={"max_missing": 0.9})
        store.load(*(line(accession) for accession in accessions(20)), source=patient)
        assert store.load(*(line(accession) for accession in accessions(2)), source=patient) == {"unchanged": 2}

    @pytest.mark.parametrize("mode", ["incremental", "window"])
    def test_only_a_full_load_is_checked_for_absent_records(self, store: Store, mode: str) -> None:
        store.first_load(*(line(accession) for accession in accessions(30)))
        assert store.load(line("PX000001.1"), mode=mode) == {"unchanged": 1}
        assert len(current(store)) == 30

    def test_records_of_other_sources_are_not_missing(self, store: Store) -> None:
        store.first_load(*(line(accession) for accession in accessions(30)))
        assert store.load(line("PX000001.1"), source=DENGUE) == {"inserted": 1}


@pytest.mark.slow
class TestChangedFilter:
    def test_records_outside_the_new_filter_end_at_once(self, store: Store) -> None:
        store.first_load(*(line(accession) for accession in accessions(30)))
        assert store.load(line("PX000001.1"), line("PX9.1"), filter_changed=True) == {"inserted": 1, "unchanged": 1}
        assert current(store, "accession") == [("PX000001",), ("PX9",)]
        ended = history(store, "accession, ended_by, run_id, ended_run_id, valid_from, valid_to")
        assert len(ended) == 29
        assert ended[0] == ("PX000002", "filter", "run-1", "run-2", FIRST_COMMIT + HOUR, FIRST_COMMIT + 2 * HOUR)

    def test_only_a_full_load_ends_records_outside_the_filter(self, store: Store) -> None:
        store.first_load(line("PX1.1"), line("PX2.1"))
        store.load(line("PX1.1"), mode="window", filter_changed=True)
        assert current(store, "accession") == [("PX1",), ("PX2",)]

    def test_revised_record_is_revised_and_not_filtered(self, store: Store) -> None:
        store.first_load(line("PX1.1"), line("PX2.1"))
        store.load(line("PX1.2"), filter_changed=True)
        assert history(store, "accession, ended_by") == [("PX1", "revision"), ("PX2", "filter")]

    def test_record_of_an_older_filter_returns_as_new(self, store: Store) -> None:
        store.first_load(line("PX1.1"), line("PX2.1"))
        store.load(line("PX1.1"), filter_changed=True)
        assert store.load(line("PX1.1"), line("PX2.1"), filter_changed=True) == {"inserted": 1, "unchanged": 1}
        assert current(store, "accession, valid_from") == [
            ("PX1", FIRST_COMMIT + HOUR),
            ("PX2", FIRST_COMMIT + 3 * HOUR),
        ]
