"""The operator that asks a person whether to load the archived package of a full load that was stopped."""

from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from ncbi_virus.hooks.virus_warehouse import VirusWarehouseHook
from ncbi_virus.operators.ask import PATIENCE, AskOperator
from virus_warehouse.archive import Archive, ArchivedPackage
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.approval import KEEP, LOAD
from virus_warehouse.sources import read_sources
from virus_warehouse.stopped_load import WAY_OUT, NothingStopped, answer_stopped_load, question_of, stopped_load

_RUN = "stopped_run"
"""Key of the XCom with the run that was asked about: the answer is about its package, whatever comes meanwhile."""


class AskToLoadOperator(AskOperator):
    """Asks whether to load the archived package of a full load or census that was stopped; records the answer.

    It is skipped when no stopped load of the source waits for an answer.

    Returns (as XCom):
        Arguments of `TriggerDagRunOperator` for the run that loads the package; none if what is held is kept.
    """

    LOAD = "Load the package"
    KEEP = "Keep the records held"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(subject="Load a package that was stopped?", options=[self.LOAD, self.KEEP], **kwargs)

    def execute(self, context: Context) -> Any:
        """Show what stopped the load, and wait.

        Raises:
            AirflowSkipException: when no stopped load of the source waits for an answer.
        """
        data = DataFolder.from_environment()
        package = stopped_load(data, read_sources().source(self.source))
        asks = package is not None and self.question in ("", question_of(package))
        if package is None or not asks or (self.question and package.is_answered):
            raise AirflowSkipException(f"no stopped load of {self.source} waits for this answer")
        self.subject = f"Load the {package.kind} of {self.source} despite {' and '.join(package.stopped_by)}?"
        self.body = _body(package)
        context["ti"].xcom_push(_RUN, package.run_id)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Record the answer.

        Raises:
            AirflowSkipException: when the question was settled meanwhile.
        """
        is_approved, by = self.answered(context, event)
        answer = LOAD if is_approved else KEEP
        run_id = context["ti"].xcom_pull(task_ids=self.task_id, key=_RUN)
        data, source = DataFolder.from_environment(), read_sources().source(self.source)
        try:
            answer_stopped_load(VirusWarehouseHook().get_conn(), data, source, run_id, answer, by)
        except NothingStopped as settled:
            raise AirflowSkipException(str(settled)) from settled
        Archive(data.packages, self.source).change(run_id, asked=None)
        self.log.info("%s: %s, answered by %s", self.source, answer, by)
        if answer == KEEP:
            return []
        # A run of the source's own DAG, which runs one after the other.
        return [
            {
                "trigger_dag_id": f"ncbi_virus_ingest__{self.source}",
                "trigger_run_id": f"load__{run_id}__{context['ti'].run_id.rpartition('__')[2]}",
                "conf": {"archived": run_id},
                "reset_dag_run": True,
            }
        ]


def _body(package: ArchivedPackage) -> str:
    return (
        f"The {package.kind} of {package.requested_at:%Y-%m-%d %H:%M} UTC was stopped, and nothing was loaded. Its "
        f"package is in the archive. Other runs of {package.source} continue.\n\n"
        f"- {package.finding}\n\n{WAY_OUT}.\n\n"
        f"**{AskToLoadOperator.LOAD}** starts a run of ncbi_virus_ingest__{package.source}, which loads it without a "
        f"new download. What was loaded meanwhile stays. **{AskToLoadOperator.KEEP}** changes nothing. A newer full "
        f"load or census of {package.source} replaces this question. Without an answer in {PATIENCE.days} days, the "
        f"records are kept."
    )
