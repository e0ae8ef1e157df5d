"""The housekeeping DAG, run by Airflow."""

from tests.support.airflow_runs import run_and_publish, run_dag
from virus_warehouse import housekeeping


def test_it_does_all_parts_and_logs_a_line_for_each(stand_in, follow, data, query, caplog, capsys):
    follow("{mpox: {taxon: 10244}}")
    run_and_publish("ncbi_virus_ingest__mpox")
    [(records,)] = query("SELECT count(*) FROM virus_genome")
    left = data.temporary / "20250601T000000Z-mpox-abcdef"
    left.mkdir()
    (left / "package.zip").write_bytes(bytes(1000))
    run = run_dag("ncbi_virus_housekeeping")
    assert run.state == "success"
    assert list(data.temporary.iterdir()) == []
    log = caplog.text + capsys.readouterr().out
    assert [part for part in housekeeping._PARTS if f"{part}: " not in log] == []
    assert "dead runs: 0 runs closed as failed, 1 file removed, 1,000 bytes freed" in log
    assert query("SELECT count(*) FROM virus_genome") == [(records,)]
