"""The operator that brings a source's changes from NCBI Datasets into the warehouse."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow import __version__ as airflow_version
from airflow.sdk import BaseOperator, Context, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowRescheduleException
from pydantic import ValidationError

from ncbi_virus.assets import LOADS, UNCHANGED, warehouse_asset
from ncbi_virus.hooks.ncbi_datasets import NcbiDatasetsHook
from ncbi_virus.operators.run_link import RunLink
from ncbi_virus.warehouse import DEFAULT_CONN_ID, NoWarehousePath, get_warehouse
from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import Progress
from virus_warehouse.ncbi.errors import RequestRefused
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_mode import WINDOW
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import WarehouseDamaged
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.warehouse.migrate import SchemaTooNew, SchemaTooOld
from virus_warehouse.window_order import DayOfBackfill, EarlierDay, EarlierDayFirst
from virus_warehouse.windows import WindowError, WindowWish

BACKFILL = "backfill"
"""What Airflow calls the type of a backfill's DAG runs."""

FIRST_LOOK = timedelta(seconds=10)
"""After how long a day of a backfill that waits for an earlier one looks again."""

NO_RETRY_MENDS = [
    RequestRefused,
    WindowError,
    SchemaTooNew,
    SchemaTooOld,
    DataFolderError,
    ValidationError,
    NoWarehousePath,
    WarehouseDamaged,
]
"""Failures that would be the same at the next try: they fail the task at once."""

RETRY_POLICY = ExceptionRetryPolicy(rules=[RetryRule(exception=list(NO_RETRY_MENDS), action=RetryAction.FAIL)])

SOURCE_OPTIONS = (
    "lookback_days",
    "retention_days",
    "allow_empty",
    "reuse_hours",
    "max_missing",
    "max_emptied",
    "withdraw_after",
)
"""How a source is followed, besides what is asked for: arguments of the operator as they are of `Source`."""


class NcbiVirusToDuckDBOperator(BaseOperator):
    """Downloads a virus genome data package from NCBI Datasets and merges its data report into DuckDB.

    What is asked for comes from the ledger: what was updated since the last committed run, or everything at
    first. A backfill asks for its data interval, and so does a run with `updated_since`. Failures that a retry
    cannot mend fail at once; the others are left to the configured retries. What was loaded is published by the DAG
    `ncbi_virus_publish`, which the asset that this updates sets off.

    Args:
        source: name of the source, under which its records are kept.
        taxon, refseq_only, annotated_only, released_since, host, pangolin_classification, geo_location, usa_state,
            complete_only, include_sequence, aux_report, use_psg, filename: the endpoint's parameters, as in
            `VirusGenomeRequest`.
        updated_since: the endpoint's parameter too; given, it makes this run a window from that day on.
        until: update date at which the window ends, exclusive.
        mode: `incremental`, `window`, `full`, `census` or `replay`; the default follows from the kind of DAG run.
        accept_missing: load a full package knowingly that lacks more of the records held than `max_missing`.
        accept_emptied: load a full package knowingly that empties fields of more records than `max_emptied`.
        lookback_days, retention_days, allow_empty, reuse_hours, max_missing, max_emptied, withdraw_after: as in
            `Source`.
        ncbi_datasets_conn_id: Airflow connection to NCBI Datasets.
        virus_warehouse_conn_id: Airflow connection to the warehouse.

    Returns (as XCom):
        The run's id, source, mode, window, watermark, counts, and whether it changed anything.
    """

    template_fields: Sequence[str] = (
        "source",
        *VirusGenomeRequest.model_fields,
        "until",
        "mode",
        "accept_missing",
        "accept_emptied",
        "ncbi_datasets_conn_id",
        "virus_warehouse_conn_id",
    )
    ui_color = "#d8ecdf"
    operator_extra_links = (RunLink(),)

    def __init__(
        self,
        *,
        source: str,
        taxon: str,
        refseq_only: bool | str = False,
        annotated_only: bool | str = False,
        released_since: date | str | None = None,
        updated_since: date | str | None = None,
        host: str | None = None,
        pangolin_classification: str | None = None,
        geo_location: str | None = None,
        usa_state: str | None = None,
        complete_only: bool | str = False,
        include_sequence: Sequence[str] = ("NONE",),
        aux_report: Sequence[str] = (),
        use_psg: bool | str = False,
        filename: str = "ncbi_dataset.zip",
        until: date | str | None = None,
        mode: str | None = None,
        accept_missing: bool | str = False,
        accept_emptied: bool | str = False,
        lookback_days: int = 14,
        retention_days: int = 90,
        allow_empty: bool = False,
        reuse_hours: float = 24,
        max_missing: float = 0.05,
        max_emptied: float = 0.1,
        withdraw_after: int = 2,
        ncbi_datasets_conn_id: str = NcbiDatasetsHook.default_conn_name,
        virus_warehouse_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("retry_policy", RETRY_POLICY)
        kwargs.setdefault("outlets", [LOADS])
        super().__init__(**kwargs)
        self.source = source
        self.taxon = taxon
        self.refseq_only = refseq_only
        self.annotated_only = annotated_only
        self.released_since = released_since
        self.updated_since = updated_since
        self.host = host
        self.pangolin_classification = pangolin_classification
        self.geo_location = geo_location
        self.usa_state = usa_state
        self.complete_only = complete_only
        self.include_sequence = include_sequence
        self.aux_report = aux_report
        self.use_psg = use_psg
        self.filename = filename
        self.until = until
        self.mode = mode
        self.accept_missing = accept_missing
        self.accept_emptied = accept_emptied
        self.lookback_days = lookback_days
        self.retention_days = retention_days
        self.allow_empty = allow_empty
        self.reuse_hours = reuse_hours
        self.max_missing = max_missing
        self.max_emptied = max_emptied
        self.withdraw_after = withdraw_after
        self.ncbi_datasets_conn_id = ncbi_datasets_conn_id
        self.virus_warehouse_conn_id = virus_warehouse_conn_id

    @classmethod
    def for_source(cls, source: Source, **kwargs: Any) -> "NcbiVirusToDuckDBOperator":
        """The operator that follows a source of `sources.yaml`.

        Args:
            source: the source.
            kwargs: further arguments, such as `task_id` and `mode`.
        """
        return cls(**arguments_of(source), **kwargs)

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the source once.

        Raises:
            AirflowRescheduleException: when an earlier day of the backfill fetches first; it gives back the slot.
        """
        try:
            return self._run(context)
        except EarlierDayFirst as wait:
            self.log.info("%s; this task looks again", wait)
            raise AirflowRescheduleException(_next_look(context)) from wait  # type: ignore[no-untyped-call]

    def _run(self, context: Context) -> dict[str, Any]:
        data = DataFolder.from_environment()
        request = VirusGenomeRequest(**{name: getattr(self, name) for name in VirusGenomeRequest.model_fields})
        source = Source(
            name=self.source,
            request=request.model_copy(update={"updated_since": None}),
            **{option: getattr(self, option) for option in SOURCE_OPTIONS},
        )
        with NcbiDatasetsHook(self.ncbi_datasets_conn_id).get_conn() as client:
            result = ingest(
                source,
                client=client,
                warehouse=get_warehouse(data, self.virus_warehouse_conn_id),
                data=data,
                origin=_origin(context),
                wish=self._wish(context, request.updated_since),
                accepts=Acceptance(missing=_truth(self.accept_missing), emptied=_truth(self.accept_emptied)),
                airflow_version=airflow_version,
                on_progress=_progress_writer(context),
                earlier_day=_earlier_day(context),
            )
        if LOADS in self.outlets and "outlet_events" in context:
            asset = warehouse_asset(result.source) if result.changed else UNCHANGED
            event: dict[str, Any] = {"run_id": result.run_id, "source": result.source, **result.counts}
            context["outlet_events"][LOADS].add(asset, extra=event)
        return {
            **{name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(result).items()},
            "changed": result.changed,
        }

    def _wish(self, context: Context, since: date | None) -> WindowWish:
        mode, until = self.mode or None, WindowWish.day(self.until)
        dag_run = context["dag_run"]
        if mode is None and since is None and until is None and dag_run.run_type.value == BACKFILL:
            mode = WINDOW
            # A manual run has no data interval; a backfill always has.
            since, until = (WindowWish.day(context[key]) for key in ("data_interval_start", "data_interval_end"))
        return WindowWish(mode=mode, since=since, until=until)


def arguments_of(source: Source) -> dict[str, Any]:
    """The operator's arguments that follow from a source of `sources.yaml`, as plain JSON."""
    request = source.request.model_dump(mode="json", exclude={"updated_since"})
    return {"source": source.name, **request, **source.model_dump(include=set(SOURCE_OPTIONS))}


def _truth(given: bool | str) -> bool:
    """A flag, or what a template made of one."""
    return given if isinstance(given, bool) else given.strip().lower() == "true"


def _origin(context: Context) -> RunOrigin:
    dag_run, task_instance = context["dag_run"], context["ti"]
    return RunOrigin(
        dag_id=task_instance.dag_id,
        dag_run_id=task_instance.run_id,
        run_type=dag_run.run_type.value,
        try_number=task_instance.try_number,
    )


def _earlier_day(context: Context) -> EarlierDay | None:
    """Asks Airflow which earlier day of the backfill runs now, the latest of them; None where this is no backfill."""
    if context["dag_run"].run_type.value != BACKFILL:
        return None

    def ask() -> DayOfBackfill | None:
        earlier = context["ti"].get_previous_dagrun(state="running")
        if earlier is None or earlier.run_type.value != BACKFILL or earlier.start_date is None:
            return None
        return DayOfBackfill(earlier.run_id, earlier.start_date)

    return ask


def _next_look(context: Context) -> datetime:
    """When a task looks again that waits: each look costs the start of a process, so later the longer it has waited."""
    now = datetime.now(UTC)
    waiting_since = context["ti"].get_first_reschedule_date(context) or now
    return now + max(FIRST_LOOK, (now - waiting_since) / 2)


def _progress_writer(context: Context) -> Any:
    """Shows the download in the task's Storage tab while it runs; None where Airflow offers no state store."""
    store = context.get("task_state_store")
    if store is None:
        return None

    def write(progress: Progress) -> None:
        megabytes_per_second = round(progress.bytes_per_second / 1e6, 2)
        store.set(
            "download",
            {"bytes": progress.bytes, "seconds": round(progress.seconds, 1), "MB/s": megabytes_per_second},
        )

    return write
