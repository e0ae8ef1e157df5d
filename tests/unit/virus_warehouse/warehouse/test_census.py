"""Records that NCBI no longer lists: missing, then withdrawn, and reinstated when they return."""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.warehouses import DENGUE, FIRST_COMMIT, MPOX, Store, accessions, line
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.warehouse.load_gates import GateError

HOUR = timedelta(hours=1)
ALL = accessions(30)


class Register(Store):
    """A store whose source has censuses."""

    def census(self, listed: Collection[str], **others: Any) -> dict[str, int]:
        return self.load(*(line(accession) for accession in listed), is_census=True, **others)

    def status(self, source: Source = MPOX) -> dict[str, int]:
        rows = self.rows("SELECT status, count(*) FROM virus_genome WHERE source = ? GROUP BY status", source.name)
        return dict(rows)

    @property
    def withdrawn(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT accession, valid_to, ended_by, ended_run_id FROM virus_genome_history "
            "WHERE ended_by = 'withdrawal' ORDER BY ALL"
        )

    def content(self) -> list[list[tuple[Any, ...]]]:
        tables = ("virus_genome", "virus_genome_history", "ops.census_missing", "ops.ingest_run", "taxon")
        return [self.rows(f"FROM {table} ORDER BY ALL") for table in tables]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Register:
    register = Register(tmp_path_factory.mktemp("loaded"))
    register.load(*(line(accession) for accession in ALL))
    return register


@pytest.fixture
def register(tmp_path: Path, loaded: Register) -> Register:
    """Thirty records loaded by one run."""
    return loaded.copy_to(tmp_path)


class TestWithdrawal:
    def test_absent_record_is_missing_first(self, register: Register) -> None:
        assert register.census(ALL[2:]) == {"unchanged": 28, "missing": 2}
        assert register.status() == {"live": 28, "missing": 2}
        assert register.rows(
            "SELECT accession, missing_since, valid_from, run_id FROM virus_genome WHERE status = 'missing' ORDER BY 1"
        ) == [
            (f"PX00000{number}", FIRST_COMMIT + 2 * HOUR - timedelta(minutes=1), FIRST_COMMIT + HOUR, "run-1")
            for number in (1, 2)
        ]
        assert register.rows("SELECT source, accession, run_id, is_accepted FROM ops.census_missing ORDER BY 2") == [
            ("mpox", "PX000001", "run-2", False),
            ("mpox", "PX000002", "run-2", False),
        ]

    def test_record_missing_from_two_censuses_is_withdrawn(self, register: Register) -> None:
        register.census(ALL[2:])
        assert register.census(ALL[1:]) == {"unchanged": 29, "withdrawn": 1}
        assert register.status() == {"live": 29}
        assert register.withdrawn == [("PX000001", FIRST_COMMIT + 3 * HOUR, "withdrawal", "run-3")]

    def test_same_package_again_is_not_a_second_census(self, register: Register) -> None:
        requested_at = FIRST_COMMIT + 2 * HOUR
        assert register.census(ALL[1:], requested_at=requested_at)["missing"] == 1
        assert register.census(ALL[1:], requested_at=requested_at)["missing"] == 1
        assert register.census(ALL[1:])["withdrawn"] == 1

    @pytest.mark.slow
    def test_reappearance_resets_the_missing_count(self, register: Register) -> None:
        register.census(ALL[1:])
        register.census(ALL)
        assert register.census(ALL[1:]) == {"unchanged": 29, "missing": 1}
        assert register.census(ALL[1:]) == {"unchanged": 29, "withdrawn": 1}

    @pytest.mark.slow
    def test_number_of_censuses_is_set_by_the_source(self, register: Register) -> None:
        quick = MPOX.model_copy(update={"withdraw_after": 1})
        assert register.census(ALL[1:], source=quick) == {"unchanged": 29, "withdrawn": 1}
        slow = MPOX.model_copy(update={"withdraw_after": 3})
        results = [register.census(ALL[2:], source=slow) for _ in range(3)]
        assert [counts.get("withdrawn", 0) for counts in results] == [0, 0, 1]

    @pytest.mark.slow
    def test_returning_withdrawn_record_is_a_new_row(self, register: Register) -> None:
        register.census(ALL[1:])
        register.census(ALL[1:])
        assert register.load(line(ALL[0]), mode="incremental") == {"inserted": 1}
        assert register.status() == {"live": 30}
        assert register.rows("SELECT valid_from FROM virus_genome WHERE accession = 'PX000001'") == [
            (FIRST_COMMIT + 4 * HOUR,)
        ]
        as_of = "SELECT count(*) FROM virus_genome_as_of(?::TIMESTAMPTZ) WHERE accession = 'PX000001'"
        counts = [register.rows(as_of, FIRST_COMMIT + hours * HOUR) for hours in (1, 2, 3, 4)]
        assert counts == [[(1,)], [(1,)], [(0,)], [(1,)]]


@pytest.mark.slow
class TestReinstatement:
    @pytest.mark.parametrize("mode", ["incremental", "window", "full"])
    def test_missing_record_listed_in_any_newest_package_is_live(self, register: Register, mode: str) -> None:
        register.census(ALL[2:])
        listed = ALL if mode == "full" else ALL[1:2]
        register.load(*(line(accession) for accession in listed), mode=mode)
        assert register.status()["live"] == (30 if mode == "full" else 29)
        assert register.rows("SELECT missing_since FROM virus_genome WHERE accession = 'PX000002'") == [(None,)]
        assert register.rows("FROM virus_genome_history") == []

    def test_older_package_reinstates_nothing(self, register: Register) -> None:
        register.census(ALL[1:])
        register.load(line(ALL[0]), mode="window", is_newest_package=False)
        assert register.status() == {"live": 29, "missing": 1}
        register.census(ALL[1:])
        assert register.load(line(ALL[0]), mode="window", is_newest_package=False) == {"stale": 1}
        assert register.status() == {"live": 29}

    def test_revised_record_is_live(self, register: Register) -> None:
        register.census(ALL[1:])
        register.load(line("PX000001.2"), mode="incremental")
        assert register.status() == {"live": 30}

    def test_unreadable_line_that_names_its_accession_counts_as_seen(self, register: Register) -> None:
        mistyped, cut = line(ALL[0], length="long"), line(ALL[1])[:-20]
        assert register.census([*ALL[2:]]) == {"unchanged": 28, "missing": 2}
        lines = [line(accession) for accession in ALL[2:]]
        assert register.load(*lines, mistyped, cut, is_census=True) == {"unchanged": 28, "quarantined": 2}
        assert register.status() == {"live": 30}


@pytest.mark.slow
class TestCensusScope:
    @pytest.mark.parametrize("mode", ["incremental", "window", "full"])
    def test_only_a_census_marks_records_missing(self, register: Register, mode: str) -> None:
        register.load(*(line(accession) for accession in ALL[1:]), mode=mode)
        assert register.status() == {"live": 30}
        assert register.rows("SELECT missing FROM ops.ingest_run WHERE run_id = 'run-2'") == [(None,)]

    def test_overtaken_census_marks_nothing_missing(self, register: Register) -> None:
        assert register.census(ALL[1:], is_newest_package=False) == {"unchanged": 29}
        assert register.status() == {"live": 30}

    def test_record_added_after_the_request_is_not_judged(self, register: Register) -> None:
        register.load(line("PX9.1"), mode="incremental")
        assert register.census(ALL, requested_at=FIRST_COMMIT + 2 * HOUR) == {"unchanged": 30}
        assert register.census(ALL, requested_at=FIRST_COMMIT + 2 * HOUR + timedelta(microseconds=1))["missing"] == 1

    def test_record_dated_after_the_packages_range_is_not_judged(self, register: Register) -> None:
        register.load(line("PX8.1", "2025-05-02"), line("PX9.1", "2025-05-03"), mode="incremental")
        assert register.census(ALL) == {"unchanged": 30}
        newest = line("PX10.1", "2025-05-02")
        lines = [line(accession) for accession in ALL]
        assert register.load(*lines, newest, is_census=True) == {"unchanged": 30, "inserted": 1, "missing": 1}
        assert register.rows("SELECT accession FROM virus_genome WHERE status = 'missing'") == [("PX8",)]

    def test_future_date_does_not_extend_the_packages_range(self, register: Register) -> None:
        register.load(line("PX9.1", "2025-05-03"), mode="incremental")
        future = line("PX000001.1", "2099-01-01")
        lines = [line(accession) for accession in ALL[1:]]
        assert register.load(future, *lines, is_census=True) == {"touched": 1, "unchanged": 29}

    def test_record_without_a_date_is_judged(self, register: Register) -> None:
        register.load(line("PX9.1", None), mode="incremental")
        assert register.census(ALL) == {"unchanged": 30, "missing": 1}

    def test_overlapping_sources_are_independent(self, register: Register) -> None:
        register.load(*(line(accession) for accession in ALL), source=DENGUE)
        register.census(ALL[1:])
        register.census(ALL[1:])
        assert register.status(DENGUE) == {"live": 30}
        assert register.census(ALL[2:], source=DENGUE) == {"unchanged": 28, "missing": 2}
        assert register.status(MPOX) == {"live": 29}

    def test_changed_filter_ends_rows_without_brake_or_withdrawal(self, register: Register) -> None:
        assert register.census(ALL[:2], filter_changed=True) == {"unchanged": 2}
        assert register.rows("SELECT ended_by, count(*) FROM virus_genome_history GROUP BY 1") == [("filter", 28)]


@pytest.mark.slow
class TestBrake:
    """200 records, of which 6% disappear."""

    MANY = accessions(200)

    @pytest.fixture(scope="class")
    @classmethod
    def many_loaded(cls, tmp_path_factory: pytest.TempPathFactory) -> Register:
        register = Register(tmp_path_factory.mktemp("many"))
        register.load(*(line(accession) for accession in cls.MANY))
        return register

    @pytest.fixture
    def register(self, tmp_path: Path, many_loaded: Register) -> Register:
        return many_loaded.copy_to(tmp_path)

    def test_mass_withdrawal_stops_the_census_and_changes_nothing(self, register: Register) -> None:
        before = register.content()
        with pytest.raises(
            GateError,
            match=r"lacks 12 of the 200 .* more than 5%.*`--accept missing`, with make `A",
        ):
            register.census(self.MANY[12:])
        assert register.content() == before
        assert register.census(self.MANY[10:]) == {"unchanged": 190, "missing": 10}

    def test_new_records_do_not_dilute_the_share(self, register: Register) -> None:
        new = [f"PY{number:06}.1" for number in range(200)]
        with pytest.raises(GateError, match="lacks 12 of the 200 held records"):
            register.census([*self.MANY[12:], *new])
        assert register.status() == {"live": 200}
        assert register.census([*self.MANY[10:], *new]) == {"inserted": 200, "unchanged": 190, "missing": 10}

    def test_new_and_pending_are_counted_together(self, register: Register) -> None:
        register.census(self.MANY[6:])
        with pytest.raises(GateError, match="lacks 12 of the 200"):
            register.census(self.MANY[12:])
        assert register.status() == {"live": 194, "missing": 6}

    def test_acceptance_is_needed_only_once(self, register: Register) -> None:
        register.census(self.MANY[12:], accepts=Acceptance(missing=True))
        assert register.census(self.MANY[12:]) == {"unchanged": 188, "withdrawn": 12}
        assert register.census(self.MANY) == {"inserted": 12, "unchanged": 188}
        assert register.status() == {"live": 200}

    def test_accepted_mass_withdrawal_is_applied_and_reversed_by_the_next_census(self, register: Register) -> None:
        accepted = Acceptance(missing=True)
        assert register.census(self.MANY[12:], accepts=accepted) == {"unchanged": 188, "missing": 12}
        assert register.census(self.MANY) == {"unchanged": 200}
        assert register.status() == {"live": 200}
        # The acceptance has ended, because the records were found.
        with pytest.raises(GateError, match="lacks 12"):
            register.census(self.MANY[12:])

    def test_unneeded_acceptance_accepts_nothing(self, register: Register) -> None:
        register.census(self.MANY[1:], accepts=Acceptance(missing=True))
        assert register.rows("SELECT is_accepted FROM ops.census_missing") == [(False,)]
