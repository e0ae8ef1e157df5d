"""The operator that loads a source's updates from NCBI Datasets into the warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow import __version__ as airflow_version
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowRescheduleException

from ncbi_virus.assets import LOADS, UNCHANGED, warehouse_asset
from ncbi_virus.hooks.ncbi_datasets import NcbiDatasetsHook
from ncbi_virus.hooks.virus_warehouse import VirusWarehouseHook
from ncbi_virus.lineage import Loaded, lineage_of
from ncbi_virus.metrics import send_load_metrics
from ncbi_virus.operators.run_link import RunLink
from ncbi_virus.retries import RETRY_POLICY
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import Progress
from virus_warehouse.run_mode import WINDOW
from virus_warehouse.sources import read_sources, source_of
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.window_order import DayOfBackfill, EarlierDay, EarlierDayFirst
from virus_warehouse.windows import WindowRequest

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

BACKFILL = "backfill"
"""Airflow's run type of backfills."""

FIRST_LOOK, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=5)
"""Delays before a waiting day of a backfill checks again: the first, and the longest."""


class NcbiVirusToDuckDBOperator(BaseOperator):
    """Downloads a virus genome data package from NCBI Datasets and loads its reports into DuckDB.

    The request is planned from the ledger: the updates since the last committed run, or everything at first. A backfill
    requests its data interval, and a run with `since` its window. Failures that a retry cannot fix fail at once;
    the others are left to the configured retries. The DAG `ncbi_virus_publish`, triggered by the asset that this
    updates, publishes the result.

    Args:
        source: name of a source in the sources file; or a source outside of the file, as its `name` with the keys
            of an entry of that file: `{"name": "mpox", "taxon": 10244, "host": "human"}`.
        mode: `incremental`, `window`, `full`, `census` or `replay`; the default depends on the kind of DAG run.
        since: first update date to request: makes this run a window.
        until: update date at which the window ends, exclusive.
        accept: findings of a full load to accept that would otherwise stop it: `missing`, more records are missing
            than `max_missing`; `emptied`, more records lose a field than `max_emptied`. Empty texts are ignored, so
            that templates can be used.
        archived: id of a stopped full load or census, to load its archived package without a download, after a person
            has approved it. `mode` and days are ignored then.
        ncbi_datasets_conn_id: Airflow connection to NCBI Datasets.
        virus_warehouse_conn_id: Airflow connection to the warehouse.

    Returns (as XCom):
        The run's id, source, mode, window, watermark, counts, and whether it changed anything.
    """

    template_fields: Sequence[str] = (
        "source",
        "mode",
        "since",
        "until",
        "accept",
        "archived",
        "ncbi_datasets_conn_id",
        "virus_warehouse_conn_id",
    )
    ui_color = "#d8ecdf"
    operator_extra_links = (RunLink(),)

    def __init__(
        self,
        *,
        source: str | Mapping[str, Any],
        mode: str | None = None,
        since: date | str | None = None,
        until: date | str | None = None,
        accept: Sequence[str] = (),
        archived: str | None = None,
        ncbi_datasets_conn_id: str = NcbiDatasetsHook.default_conn_name,
        virus_warehouse_conn_id: str = VirusWarehouseHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("retry_policy", RETRY_POLICY)
        kwargs.setdefault("outlets", [LOADS])
        super().__init__(**kwargs)
        self.source = source
        self.mode = mode
        self.since = since
        self.until = until
        self.accept = accept
        self.archived = archived
        self.ncbi_datasets_conn_id = ncbi_datasets_conn_id
        self.virus_warehouse_conn_id = virus_warehouse_conn_id
        self._loaded: Loaded | None = None

    @property
    def source_name(self) -> str:
        """The name of the source."""
        return str(self.source.get("name") if isinstance(self.source, Mapping) else self.source)

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the source once.

        Raises:
            AirflowRescheduleException: when an earlier day of the backfill downloads first; releases the worker slot.
        """
        try:
            return self._run(context)
        except EarlierDayFirst as wait:
            self.log.info("%s; this task checks again later", wait)
            raise AirflowRescheduleException(_next_look(context)) from wait  # type: ignore[no-untyped-call]

    def _run(self, context: Context) -> dict[str, Any]:
        data = DataFolder.from_environment(with_snapshot=False)
        source = source_of(self.source) if isinstance(self.source, Mapping) else read_sources().source(str(self.source))
        accepted = [self.accept] if isinstance(self.accept, str) else self.accept
        warehouse = VirusWarehouseHook(self.virus_warehouse_conn_id).get_conn()
        with NcbiDatasetsHook(self.ncbi_datasets_conn_id).get_conn() as client:
            result = ingest(
                source,
                client=client,
                warehouse=warehouse,
                data=data,
                origin=_origin(context),
                wish=self._window_request(context),
                accepts=Acceptance.of(filter(None, accepted)),
                airflow_version=airflow_version,
                on_progress=_progress_writer(context),
                earlier_day=_earlier_day(context),
                archived=self.archived or None,
            )
            self._loaded = Loaded(result, source.request, client.base_url, warehouse.storage)
        send_load_metrics(result)
        if LOADS in self.outlets and "outlet_events" in context:
            asset = warehouse_asset(result.source) if result.changed else UNCHANGED
            event: dict[str, Any] = {"run_id": result.run_id, "source": result.source, **result.counts}
            context["outlet_events"][LOADS].add(asset, extra=event)
        return {
            **{name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(result).items()},
            "changed": result.changed,
        }

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> "OperatorLineage[Any, Any] | None":
        """What Airflow's OpenLineage provider sends of a load; None if nothing was loaded.

        Args:
            task_instance: the task, which has ended.
        """
        return None if self._loaded is None else lineage_of(self._loaded)

    def _window_request(self, context: Context) -> WindowRequest:
        mode, since, until = self.mode or None, WindowRequest.day(self.since), WindowRequest.day(self.until)
        dag_run = context["dag_run"]
        if mode is None and since is None and until is None and dag_run.run_type.value == BACKFILL:
            mode = WINDOW
            # Manual runs have no data interval; backfills always have one.
            since, until = (WindowRequest.day(context[key]) for key in ("data_interval_start", "data_interval_end"))
            if since is not None and since == until:
                until += timedelta(days=1)  # of a schedule with several runs a day: windows are whole days
        return WindowRequest(mode=mode, since=since, until=until)


def _origin(context: Context) -> RunOrigin:
    dag_run, task_instance = context["dag_run"], context["ti"]
    return RunOrigin(
        dag_id=task_instance.dag_id,
        dag_run_id=task_instance.run_id,
        run_type=dag_run.run_type.value,
        try_number=task_instance.try_number,
    )


def _earlier_day(context: Context) -> EarlierDay | None:
    """A query for the latest earlier day of the backfill that is running now; None outside of backfills."""
    if context["dag_run"].run_type.value != BACKFILL:
        return None

    def ask() -> DayOfBackfill | None:
        earlier = context["ti"].get_previous_dagrun(state="running")
        if earlier is None or earlier.run_type.value != BACKFILL or earlier.start_date is None:
            return None
        return DayOfBackfill(earlier.run_id, earlier.start_date)

    return ask


def _next_look(context: Context) -> datetime:
    """When a waiting task checks again: each check starts a process, so the delay grows with the time waited."""
    now = datetime.now(UTC)
    waiting_since = context["ti"].get_first_reschedule_date(context) or now
    return now + min(max(FIRST_LOOK, (now - waiting_since) / 2), LONGEST_PAUSE)


def _progress_writer(context: Context) -> Any:
    """Shows the progress in the task's Storage tab while it runs; None where Airflow has no state store."""
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
