"""The operator: its template fields, its sources, and which failures it retries."""

import inspect
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import RetryAction

from ncbi_virus import publication
from ncbi_virus.operators import ncbi_virus_to_duckdb as module
from ncbi_virus.operators.ncbi_virus_to_duckdb import NcbiVirusToDuckDBOperator, _earlier_day
from virus_warehouse.data_folder import DataFolderError
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.ncbi.errors import DatasetsUnavailable, RequestRefused
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source, SourceError, read_sources
from virus_warehouse.warehouse.connection import WarehouseLocked
from virus_warehouse.warehouse.load import Acceptance, UnknownAcceptance
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.warehouse.migrate import SchemaTooNew, SchemaTooOld
from virus_warehouse.window_order import DayOfBackfill
from virus_warehouse.windows import WindowError


def operator(**arguments) -> NcbiVirusToDuckDBOperator:
    return NcbiVirusToDuckDBOperator(task_id="ingest", **{"source": "mpox", **arguments})


@pytest.fixture
def loaded(tmp_path, monkeypatch) -> list[dict[str, Any]]:
    """The arguments with which operators call `ingest`, which is replaced; nothing is loaded."""
    calls: list[dict[str, Any]] = []

    def ingest(source: Source, **arguments: Any) -> IngestResult:
        calls.append({"source": source, **arguments})
        return IngestResult("run", source.name, "full", None, None, None, {"inserted": 0})

    monkeypatch.setattr(module, "ingest", ingest)
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
    monkeypatch.setenv("VIRUS_SOURCES", str(tmp_path / "sources.yaml"))
    sources = "sources: {mpox: {taxon: 10244, host: human, max_missing: 0.2}}"
    (tmp_path / "sources.yaml").write_text(sources, encoding="utf-8")
    return calls


def run(task: NcbiVirusToDuckDBOperator, **values: object) -> None:
    task.render_template_fields(dict(values))
    ti = SimpleNamespace(dag_id="dag", run_id="run", try_number=1)
    task.execute(context("manual", ti=ti))


def test_source_can_be_given_by_name(loaded):
    run(operator(source="{{ name }}"), name="mpox")
    assert loaded[0]["source"] == read_sources().source("mpox")
    with pytest.raises(SourceError, match="no source is named 'flu'"):
        run(operator(source="flu"))


def test_source_can_be_given_as_an_entry(loaded):
    entry = {"name": "flu", "taxon": "{{ taxon }}", "host": "human", "aux_reports": ["ANNOTATION"], "lookback_days": 3}
    run(operator(source=entry), taxon=11320)
    source = loaded[0]["source"]
    assert source.request == VirusGenomeRequest(taxon="11320", host="human", aux_report=["ANNOTATION"])
    assert (source.name, source.lookback_days) == ("flu", 3)
    with pytest.raises(SourceError, match="'hosts': unknown key"):
        run(operator(source={"name": "flu", "taxon": 1, "hosts": "human"}))
    with pytest.raises(SourceError, match="'name': absent"):
        run(operator(source={"taxon": 1}))


def test_acceptances_can_be_templated(loaded):
    run(operator(accept=["{{ 'missing' if yes }}", "{{ 'emptied' if no }}"]), yes=True, no=False)
    assert loaded[0]["accepts"] == Acceptance(missing=True)
    with pytest.raises(UnknownAcceptance, match="'everything'; allowed are emptied, missing"):
        run(operator(accept=["everything"]))


def test_every_own_argument_is_a_template_field():
    own = inspect.signature(NcbiVirusToDuckDBOperator.__init__).parameters.keys() - {"self", "kwargs"}
    assert own == set(NcbiVirusToDuckDBOperator.template_fields)


def test_retries_are_the_configured_ones():
    assert operator().retries == 2


@pytest.mark.parametrize(
    "error",
    [
        RequestRefused("400"),
        WindowError("inverted"),
        SchemaTooNew("0099"),
        SchemaTooOld("0005"),
        DataFolderError("no place"),
        SourceError("unknown key"),
        UnknownAcceptance("everything"),
    ],
)
def test_permanent_error_fails_at_once(error):
    assert decision(error) is RetryAction.FAIL


@pytest.mark.parametrize(
    "error",
    [DatasetsUnavailable("503"), WarehouseLocked("busy"), GateError("missing records"), OSError("disk full")],
)
def test_other_errors_use_the_configured_retries(error):
    assert decision(error) is RetryAction.DEFAULT


def test_new_class_of_permanent_failures_fails_every_task_at_once():
    class NewFailure(PermanentFailure):
        """A class that is named nowhere else."""

    tasks = (publication.prepare, publication.check, publication.publish)
    policies = [operator().retry_policy, *(task.kwargs["retry_policy"] for task in tasks)]
    decisions = [policy.evaluate(NewFailure("gone"), try_number=1, max_tries=3).action for policy in policies]
    assert decisions == [RetryAction.FAIL] * 4


def decision(error: BaseException) -> RetryAction:
    return operator().retry_policy.evaluate(error, try_number=1, max_tries=3).action


def context(run_type: str, **keys):
    return {"dag_run": SimpleNamespace(run_type=SimpleNamespace(value=run_type)), **keys}


def test_a_backfill_is_a_window_of_its_data_interval():
    interval = {
        "data_interval_start": datetime(2026, 11, 10, 6, tzinfo=UTC),
        "data_interval_end": datetime(2026, 11, 11, 6, tzinfo=UTC),
    }
    window_request = operator()._window_request(context("backfill", **interval))
    assert (window_request.effective_mode, window_request.since, window_request.until) == (
        "window",
        date(2026, 11, 10),
        date(2026, 11, 11),
    )
    assert operator()._window_request(context("scheduled", **interval)).effective_mode == "incremental"


def test_a_manual_run_without_a_logical_date_follows_the_watermark():
    assert operator()._window_request(context("manual")).effective_mode == "incremental"


def test_days_make_a_window():
    window_request = operator(since="2026-11-10", until="2026-11-12")._window_request(context("manual"))
    assert (window_request.effective_mode, window_request.since, window_request.until) == (
        "window",
        date(2026, 11, 10),
        date(2026, 11, 12),
    )


BEGAN = datetime(2026, 11, 12, 6, tzinfo=UTC)


def earlier_run(run_type: str, **others):
    run = SimpleNamespace(run_id="its id", run_type=SimpleNamespace(value=run_type), start_date=BEGAN)
    return {"ti": SimpleNamespace(get_previous_dagrun=lambda state: run if state == "running" else None), **others}


def test_backfill_day_waits_for_the_running_earlier_day():
    ask = _earlier_day(context("backfill", **earlier_run("backfill")))
    assert ask() == DayOfBackfill("its id", BEGAN)


def test_runs_other_than_backfills_are_not_waited_for():
    assert _earlier_day(context("backfill", **earlier_run("scheduled")))() is None
    assert _earlier_day(context("scheduled", **earlier_run("backfill"))) is None
