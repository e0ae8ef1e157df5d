"""### Answer what holds a source back, or what stopped a full load

When a gate holds a source back, its publication goes on with all other sources, and asks here about that one: the
finding, its rows, how to resolve it, and two answers. *Required Actions* on Airflow's home page lists what waits. An
answer to publish starts a publication. Waiting holds no slot, and loading continues.

When missing records or emptied fields stop a full load or census, its run asks here whether to load the archived
package all the same, or to keep the records held. An answer to load starts a run of the source's ingest DAG.

There is one run for each question. When newer findings or a newer full load of the source replace it, or the source
passes its gates, it ends by itself.
"""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param

from ncbi_virus.operators.ask_for_approval import AskForApprovalOperator
from ncbi_virus.operators.ask_to_load import AskToLoadOperator
from ncbi_virus.retries import RETRY_POLICY

MOST_SOURCES = 10_000
"""Each waiting source has a run and a task: none waits for another's answer."""

ASKED = {
    "source": "{{ params.source }}",
    "question": "{{ params.question or '' }}",
    "retries": 2,
    "retry_policy": RETRY_POLICY,
    "retry_delay": 60,
}

with DAG(
    "ncbi_virus_approve",
    description="Asks people about sources that are held back, and full loads that were stopped",
    doc_md=__doc__,
    schedule=None,
    max_active_runs=MOST_SOURCES,
    max_active_tasks=MOST_SOURCES,
    is_paused_upon_creation=False,
    params={
        "source": Param(type="string", title="Source", description="A source that waits for an answer."),
        "question": Param(
            None, type=["null", "string"], title="Question", description="Its question. Empty: what waits now."
        ),
    },
    tags=["ncbi", "virus"],
):
    AskForApprovalOperator(task_id="ask", **ASKED)
    load = AskToLoadOperator(task_id="ask_to_load", **ASKED)
    TriggerDagRunOperator.partial(task_id="load", map_index_template="{{ task.trigger_dag_id }}").expand_kwargs(
        load.output
    )
