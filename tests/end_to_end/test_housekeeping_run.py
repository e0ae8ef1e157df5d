"""The housekeeping DAG, run by Airflow."""

import logging

from tests.support.airflow_runs import run_and_publish, run_dag
from virus_warehouse import housekeeping


def test_it_does_all_parts_and_logs_a_line_for_each(stand_in, follow, data, query, caplog):
    follow("{mpox: {taxon: 10244}}")
    run_and_publish("ncbi_virus_ingest__mpox")
    [(records,)] = query("SELECT count(*) FROM virus_genome")
    (data.temporary / "20250601T000000Z-mpox-abcdef").mkdir()
    caplog.set_level(logging.INFO, "virus_warehouse")
    run = run_dag("ncbi_virus_housekeeping")
    assert run.state == "success"
    assert list(data.temporary.iterdir()) == []
    parts = [line.split(":")[0] for line in caplog.messages]
    assert [part for part in parts if part in housekeeping._PARTS] == list(housekeeping._PARTS)
    assert query("SELECT count(*) FROM virus_genome") == [(records,)]
