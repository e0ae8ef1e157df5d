"""The operator: what it templates, what it makes of a source, and which failures it retries."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk import RetryAction
from pydantic import ValidationError

from ncbi_virus.operators.ncbi_virus_to_duckdb import NcbiVirusToDuckDBOperator, _earlier_day
from virus_warehouse.data_folder import DataFolderError
from virus_warehouse.ncbi.errors import DatasetsUnavailable, RequestRefused
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import WarehouseLocked
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.warehouse.migrate import SchemaTooNew, SchemaTooOld
from virus_warehouse.window_order import DayOfBackfill
from virus_warehouse.windows import WindowError


def operator(**arguments) -> NcbiVirusToDuckDBOperator:
    return NcbiVirusToDuckDBOperator(task_id="ingest", **{"source": "mpox", "taxon": "10244", **arguments})


def test_every_request_parameter_is_a_template_field():
    assert set(VirusGenomeRequest.model_fields) <= set(NcbiVirusToDuckDBOperator.template_fields)


def test_templates_render_to_values_the_request_understands(monkeypatch, tmp_path):
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
    task = operator(taxon="{{ taxon }}", refseq_only="{{ refseq }}", host="{{ host }}", aux_report=["{{ report }}"])
    task.render_template_fields({"taxon": 10244, "refseq": True, "host": "", "report": "ANNOTATION"})
    request = VirusGenomeRequest(**{name: getattr(task, name) for name in VirusGenomeRequest.model_fields})
    assert request.query() == [("refseq_only", "true"), ("include_sequence", "NONE"), ("aux_report", "ANNOTATION")]


def test_a_source_of_the_file_becomes_the_same_request():
    for source in read_sources().sources.values():
        task = NcbiVirusToDuckDBOperator.for_source(source, task_id="ingest")
        request = VirusGenomeRequest(**{name: getattr(task, name) for name in VirusGenomeRequest.model_fields})
        assert request == source.request
        assert task.lookback_days == source.lookback_days


def test_the_retries_are_those_that_set_up_configures():
    assert operator().retries == 2


@pytest.mark.parametrize(
    "error",
    [
        RequestRefused("400"),
        WindowError("inverted"),
        SchemaTooNew("0099"),
        SchemaTooOld("0005"),
        DataFolderError("no place"),
        pytest.param(None, id="bad parameter"),
    ],
)
def test_what_no_retry_mends_fails_at_once(error):
    assert decision(error or bad_parameter()) is RetryAction.FAIL


@pytest.mark.parametrize(
    "error",
    [DatasetsUnavailable("503"), WarehouseLocked("busy"), GateError("missing records"), OSError("disk full")],
)
def test_everything_else_is_left_to_the_configured_retries(error):
    assert decision(error) is RetryAction.DEFAULT


def decision(error: BaseException) -> RetryAction:
    return operator().retry_policy.evaluate(error, try_number=1, max_tries=3).action


def bad_parameter() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        VirusGenomeRequest(taxon="10244", aux_report=["BIOSAMPLE"])
    return caught.value


def context(run_type: str, **keys):
    return {"dag_run": SimpleNamespace(run_type=SimpleNamespace(value=run_type)), **keys}


def test_a_backfill_is_a_window_of_its_data_interval():
    interval = {
        "data_interval_start": datetime(2026, 11, 10, 6, tzinfo=UTC),
        "data_interval_end": datetime(2026, 11, 11, 6, tzinfo=UTC),
    }
    wish = operator()._wish(context("backfill", **interval), None)
    assert (wish.effective_mode, wish.since, wish.until) == ("window", date(2026, 11, 10), date(2026, 11, 11))
    assert operator()._wish(context("scheduled", **interval), None).effective_mode == "incremental"


def test_a_manual_run_without_a_logical_date_follows_the_watermark():
    assert operator()._wish(context("manual"), None).effective_mode == "incremental"


def test_days_make_a_window():
    wish = operator(until="2026-11-12")._wish(context("manual"), date(2026, 11, 10))
    assert (wish.effective_mode, wish.since, wish.until) == ("window", date(2026, 11, 10), date(2026, 11, 12))


BEGAN = datetime(2026, 11, 12, 6, tzinfo=UTC)


def earlier_run(run_type: str, **others):
    run = SimpleNamespace(run_id="its id", run_type=SimpleNamespace(value=run_type), start_date=BEGAN)
    return {"ti": SimpleNamespace(get_previous_dagrun=lambda state: run if state == "running" else None), **others}


def test_a_day_of_a_backfill_waits_for_the_one_before_that_runs():
    ask = _earlier_day(context("backfill", **earlier_run("backfill")))
    assert ask() == DayOfBackfill("its id", BEGAN)


def test_nobody_waits_for_a_run_that_is_no_backfill():
    assert _earlier_day(context("backfill", **earlier_run("scheduled")))() is None
    assert _earlier_day(context("scheduled", **earlier_run("backfill"))) is None
