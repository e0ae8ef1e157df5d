"""The census DAG, run by Airflow against a fake NCBI over HTTP."""

from datetime import date

import pytest

from tests.end_to_end.test_dag_run import warehouse, warehouse_ledger
from tests.support.airflow_runs import publish, run_dag
from tests.support.fake_ncbi import FakeNcbi, Line

CENSUS = "ncbi_virus_census"
DAY = date(2025, 3, 1)


@pytest.fixture
def ncbi(monkeypatch):
    with FakeNcbi() as server:
        monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
        yield server


@pytest.fixture
def world(ncbi):
    for number in range(200):
        ncbi.world.show(Line(f"PX{number:03d}", 1, DAY, 1, None, "human" if number < 150 else None))
    return ncbi.world


def hide(world, count: int) -> dict[str, Line]:
    """Remove records of human hosts from NCBI; returns them."""
    return {accession: world.records.pop(accession) for accession in [f"PX{n:03d}" for n in range(count)]}


def states(run) -> dict[str, list[str]]:
    """The states of a DAG run's tasks by task id, mapped ones in their order."""
    states_by_task: dict[str, list[str]] = {}
    for task in sorted(run.get_task_instances(), key=lambda task: task.map_index):
        states_by_task.setdefault(task.task_id, []).append(str(task.state))
    return states_by_task


def test_every_source_is_counted_and_records_missing_twice_are_withdrawn(world, follow, data, query):
    follow("{mpox: {taxon: 10244}, human_mpox: {taxon: 10244, host: human}}")
    run = run_dag(CENSUS)
    assert states(run) == {
        "followed": ["success"],
        "census": ["success", "success"],
        "stopped_loads": ["success"],
        "ask": ["skipped"],
        "loaded": ["success"],
    }
    assert warehouse(data, "SELECT source, count(*) FROM virus_genome GROUP BY 1 ORDER BY 1") == [
        ("human_mpox", 150),
        ("mpox", 200),
    ]
    gone = hide(world, 4)
    run_dag(CENSUS)
    assert warehouse(data, "SELECT source, status, count(*) FROM virus_genome GROUP BY ALL ORDER BY ALL") == [
        ("human_mpox", "live", 146),
        ("human_mpox", "missing", 4),
        ("mpox", "live", 196),
        ("mpox", "missing", 4),
    ]
    run_dag(CENSUS)
    assert warehouse(data, "SELECT ended_by, count(*) FROM virus_genome_history GROUP BY ALL") == [("withdrawal", 8)]
    ledger = warehouse_ledger(data, "dag_id, mode, missing, withdrawn")
    assert ledger == [(CENSUS, "full", number, 0) for number in (0, 0, 4, 4)] + [(CENSUS, "full", 0, 4)] * 2
    world.records.update(gone)
    run_dag(CENSUS, conf={"source": "mpox"})
    assert publish().state == "success"
    assert query("SELECT source, status, count(*) FROM virus_genome GROUP BY ALL ORDER BY ALL") == [
        ("human_mpox", "live", 146),
        ("mpox", "live", 200),
    ]


def test_mass_withdrawal_fails_its_source_and_publishes_the_others(world, follow, data, query):
    follow("{mpox: {taxon: 10244, max_missing: 0.5}, human_mpox: {taxon: 10244, host: human}}")
    assert run_dag(CENSUS).state == "success"
    hide(world, 12)
    run = run_dag(CENSUS)
    assert run.state == "failed"
    assert states(run) == {
        "followed": ["success"],
        "census": ["success", "failed"],
        "stopped_loads": ["success"],
        "ask": ["success"],
        "loaded": ["upstream_failed"],
    }
    assert publish().state == "success"
    assert query("SELECT source, status, count(*) FROM virus_genome GROUP BY ALL ORDER BY ALL") == [
        ("human_mpox", "live", 150),
        ("mpox", "live", 188),
        ("mpox", "missing", 12),
    ]
    (error,) = [error for (error,) in warehouse_ledger(data, "error") if error]
    assert "lacks 12 of the 150 held records, more than 5%, such as PX000" in error
    (run_file,) = [path.read_text() for path in data.runs.glob("*human_mpox*.json") if '"failed"' in path.read_text()]
    assert all(f'"PX{number:03d}"' in run_file.split('"missing_accessions"')[1] for number in range(12))

    run = run_dag(CENSUS, conf={"source": "human_mpox", "accept_missing": True})
    assert run.state == "success"
    missing = "SELECT count(*) FROM virus_genome WHERE source = 'human_mpox' AND status = 'missing'"
    assert warehouse(data, missing) == [(12,)]


def test_empty_census_is_a_failure(world, follow, data):
    follow("{mpox: {taxon: 10244}}")
    world.records.clear()
    run = run_dag(CENSUS)
    assert (run.state, states(run)["census"]) == ("failed", ["failed"])
    assert "NCBI has no records for source mpox" in warehouse_ledger(data, "error")[0][0]


@pytest.mark.parametrize("sources", ["{mpox: {taxon: 10244}", "{mpox: {taxon: 10244, hots: human}}"])
def test_unreadable_sources_file_fails_the_census(world, follow, data, sources, caplog):
    follow(sources)
    run = run_dag(CENSUS)
    assert str(run.state) == "failed"
    assert states(run)["followed"] == ["failed"]
