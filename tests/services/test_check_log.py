"""The log of a publication's check, as an executor's task writes it."""

import json
import re

from tests.support.stage import Stage
from virus_warehouse.publish.gates import GATES


def test_log_of_the_check_has_a_line_for_each_gate_and_no_sql(stage: Stage, publication: str) -> None:
    [log] = [
        text
        for path, text in stage.airflow.task_logs().items()
        if f"run_id={publication}/" in path and "task_id=check/" in path
    ]
    events = [json.loads(line)["event"] for line in log.splitlines()]
    line = re.compile(r"gate (\w+): (?:passed|warned|accepted|held back|blocked), \d+ rows?, \d+\.\d\d s")
    assert [found[1] for event in events if (found := line.fullmatch(event))] == [gate.name for gate in GATES]
    assert [event for event in events if re.search(r"\bSELECT\b|default_conn|in-memory", event)] == []
    said = [event for event in events if not event.startswith("::")]
    assert sorted(said) == sorted(set(said)), "nothing is there twice"
