"""Answers to the findings that hold a source back."""

import shutil
from pathlib import Path

import pytest

from tests.support.warehouses import MPOX, Store, accessions, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import publication
from virus_warehouse.publish.about import About
from virus_warehouse.publish.approval import KEEP, PUBLISH, record_answer
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.publish.last_check import HeldBack, LastCheck, last_check
from virus_warehouse.publish.prepare import new_publication_id, prepare_candidate
from virus_warehouse.sources import SourcesFile

pytestmark = pytest.mark.slow  # each test publishes, most of them several times

FOLLOWED = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX})
ANSWERS = "SELECT source, name, regexp_replace(value, ', 20.*', '') FROM _about WHERE topic = 'answer'"


@pytest.fixture(scope="module")
def held_back(published: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A warehouse that has lost twelve of its forty published records; its publication holds mpox back."""
    data = DataFolder(tmp_path_factory.mktemp("held_back"))
    data.create()
    shutil.copy2(DataFolder(published.folder).snapshot, data.snapshot)
    store = published.copy_to(data.root)
    lose(store, "PX000001", "PX000012")
    assert set(publish(store, data).held_back) == {"mpox"}
    return store


@pytest.fixture
def store(data: DataFolder, held_back: Store) -> Store:
    """A copy of it in `data` that a test can change."""
    shutil.copytree(DataFolder(held_back.folder).published, data.published, dirs_exist_ok=True)
    return held_back.copy_to(data.root)


def lose(store: Store, first: str, last: str) -> None:
    store.execute(f"DELETE FROM virus_genome WHERE accession BETWEEN '{first}' AND '{last}'")


def publish(store: Store, data: DataFolder) -> About:
    return publication.publish(store.warehouse, data, FOLLOWED)


def waiting(data: DataFolder) -> list[HeldBack]:
    check = last_check(data)
    assert check is not None
    return check.waiting().get("mpox", [])


def answer(store: Store, data: DataFolder, what: str, by: str = "ada") -> None:
    record_answer(store.warehouse, "mpox", [(found.gate, found.finding) for found in waiting(data)], what, by)


def records(data: DataFolder) -> int:
    return int(query(data.snapshot, "SELECT count(*) FROM virus_genome")[0][0])


def test_what_is_held_back_waits_with_its_figures_and_the_way_out(data: DataFolder, store: Store) -> None:
    [found] = waiting(data)
    assert (found.source, found.gate, found.kept_by) == ("mpox", "shrinkage", None)
    assert found.finding.startswith("shrinkage of mpox: of 40 published records, 12 are missing")
    assert "load the source in full" in found.way_out
    check = last_check(data)
    assert check is not None
    assert check.publication_id == publication.read_about(data.snapshot).publication_id


def test_approved_finding_is_published_by_the_next_publication_only_and_names_the_person(
    data: DataFolder, store: Store
) -> None:
    """The same finding again, months later, is another question."""
    answer(store, data, PUBLISH)
    about = publish(store, data)
    assert (about.held_back, records(data), waiting(data)) == ({}, 28, [])
    assert about.findings[0].startswith("accepted: shrinkage of mpox")
    assert query(data.snapshot, ANSWERS) == [("mpox", "shrinkage", "publish, ada")]
    assert query(data.snapshot, "SELECT source, gate, answer, answered_by FROM ops.approval") == [
        ("mpox", "shrinkage", "publish", "ada")
    ]
    store.load(*(line(accession) for accession in accessions(40)), mode="full")
    publish(store, data)
    assert records(data) == 40
    lose(store, "PX000001", "PX000012")
    assert set(publish(store, data).held_back) == {"mpox"}
    assert [found.kept_by for found in waiting(data)] == [None]


def test_kept_source_stays_held_back_says_who_kept_it_and_is_published_by_a_later_answer(
    data: DataFolder, store: Store
) -> None:
    answer(store, data, KEEP)
    assert set(publish(store, data).held_back) == {"mpox"}
    assert [found.kept_by for found in waiting(data)] == ["ada"]
    assert query(data.snapshot, ANSWERS) == [("mpox", "shrinkage", "keep, ada")]
    assert records(data) == 40
    assert (asked(data), settled(data)) == ([], []), "an answered question is neither asked again nor settled"
    answer(store, data, PUBLISH, "bo")
    assert publish(store, data).held_back == {}
    assert query(data.snapshot, ANSWERS) == [("mpox", "shrinkage", "publish, bo")]
    assert (asked(data), settled(data)) == ([], [])


def test_answer_does_not_count_for_other_figures(data: DataFolder, store: Store) -> None:
    answer(store, data, PUBLISH)
    lose(store, "PX000013", "PX000013")
    assert set(publish(store, data).held_back) == {"mpox"}
    [found] = waiting(data)
    assert "13 are missing" in found.finding
    assert found.kept_by is None


def test_answer_counts_before_the_first_publication(data: DataFolder, published: Store) -> None:
    store = published.copy_to(data.root)
    store.load(*(line(accession, releaseDate="1800-01-01T00:00:00Z") for accession in accessions(40)), mode="full")
    with pytest.raises(publication.GateFailed, match="every source is held back"):
        publish(store, data)
    answer(store, data, PUBLISH)
    assert publish(store, data).held_back == {}


def test_question_is_the_same_for_the_same_findings_and_settled_by_others(data: DataFolder, store: Store) -> None:
    [first] = asked(data)
    publish(store, data)
    assert (asked(data), asked_before(data), settled(data)) == ([first], [first], [])
    lose(store, "PX000013", "PX000013")
    candidate = prepare_candidate(store.warehouse, data, new_publication_id(), FOLLOWED)
    for _ in ("first try", "retry"):
        check_candidate(candidate, FOLLOWED, data.snapshot)
        [second] = asked(data)
        assert second != first
        assert (asked_before(data), settled(data)) == ([first], [first])
    store.load(*(line(accession) for accession in accessions(40)), mode="full")
    publish(store, data)
    assert (asked(data), settled(data)) == ([], [second])
    publish(store, data)
    assert (asked(data), settled(data)) == ([], [])


def asked(data: DataFolder) -> list[str]:
    return list(checked(data).questions.values())


def asked_before(data: DataFolder) -> list[str]:
    return list(checked(data).asked_before)


def settled(data: DataFolder) -> list[str]:
    return list(checked(data).settled)


def checked(data: DataFolder) -> LastCheck:
    check = last_check(data)
    assert check is not None
    return check
