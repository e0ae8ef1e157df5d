"""The operator that asks a person whether to publish a source despite the findings that hold it back."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from ncbi_virus.assets import APPROVALS, APPROVED
from ncbi_virus.hooks.virus_warehouse import VirusWarehouseHook
from ncbi_virus.operators.ask import PATIENCE, AskOperator
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.approval import KEEP, PUBLISH, record_answer
from virus_warehouse.publish.last_check import HeldBack, last_check

_FINDINGS = "findings"
"""Key of the XCom with the findings that were shown: the answer is to them, whatever is found meanwhile."""


class AskForApprovalOperator(AskOperator):
    """Asks whether to publish a held-back source; records the answer in the warehouse, and starts a publication.

    It is skipped when nothing of the source waits for an answer.
    """

    PUBLISH = "Publish it despite this"
    KEEP = "Keep the last published state"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("outlets", [APPROVALS])
        super().__init__(subject="Publish a source that is held back?", options=[self.PUBLISH, self.KEEP], **kwargs)

    def execute(self, context: Context) -> Any:
        """Show the findings of the last check, and wait.

        Raises:
            AirflowSkipException: when nothing of the source waits for an answer.
        """
        check = last_check(DataFolder.from_environment())
        findings = check.waiting(self.source).get(self.source) if check else None
        # Airflow keeps the text of a question that nobody has answered: a run is for one question only.
        if not check or not findings or self.question not in ("", check.questions.get(self.source)):
            raise AirflowSkipException(
                f"this question about {self.source} is settled, or newer findings have replaced it"
            )
        gates = dict.fromkeys(found.gate for found in findings)
        self.subject = f"Publish {self.source} despite {', '.join(gates)}?"
        self.body = _body(self.source, findings)
        context["ti"].xcom_push(_FINDINGS, [[found.gate, found.finding] for found in findings])
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        """Record the answer; returns it, and who gave it."""
        is_approved, by = self.answered(context, event)
        answer = PUBLISH if is_approved else KEEP
        findings = context["ti"].xcom_pull(task_ids=self.task_id, key=_FINDINGS)
        record_answer(VirusWarehouseHook().get_conn(), self.source, findings, answer, by)
        self.log.info("%s: %s, answered by %s", self.source, answer, by)
        if answer == PUBLISH:
            context["outlet_events"][APPROVALS].add(APPROVED, extra={"source": self.source, "answered_by": by})
        return {"answer": answer, "answered_by": by}


def _body(source: str, findings: Sequence[HeldBack]) -> str:
    listed = "\n".join(f"- {found.finding}. {found.way_out}" for found in findings)
    publish, keep = AskForApprovalOperator.PUBLISH, AskForApprovalOperator.KEEP
    return (
        f"The last check holds {source} back: the snapshot shows its last published state. Loading continues, and "
        f"nothing is lost.\n\n{listed}\n\n"
        f"**{publish}** starts a publication. **{keep}** changes nothing, and these findings are not asked about "
        f"again. The answer counts for these findings only: other findings of {source} replace this question. Without "
        f"an answer in {PATIENCE.days} days, the last published state is kept."
    )
