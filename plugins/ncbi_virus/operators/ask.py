"""What the operators have in common that ask a person about a source."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context

from virus_warehouse.publish.approval import NOBODY

PATIENCE = timedelta(days=7)
"""How long a question waits. Without an answer, everything stays as it is."""


class AskOperator(HITLOperator):
    """Asks a question with two answers: to do something, or to keep things as they are. Waiting holds no slot.

    Args:
        source: name of the source.
        question: id of the question; it is skipped when another has replaced it. Empty: what waits now.
        subject: of the question, until it is known.
        options: the two answers; the second one keeps things as they are.
    """

    template_fields: Sequence[str] = ("source", "question")

    def __init__(self, *, source: str, question: str = "", subject: str, options: list[str], **kwargs: Any) -> None:
        kwargs.setdefault("response_timeout", PATIENCE)
        super().__init__(subject=subject, options=options, defaults=options[1], **kwargs)
        self.source = source
        self.question = question

    def answered(self, context: Context, event: dict[str, Any]) -> tuple[bool, str]:
        """Whether the answer is the first one, and who gave it."""
        given = super().execute_complete(context, event)
        person = given["responded_by_user"]
        return given["chosen_options"] == self.options[:1], str(person["name"]) if person else NOBODY
