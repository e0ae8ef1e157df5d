"""### Keep one source of the virus warehouse up to date

`ingest` requests the updates since the last committed run from NCBI Datasets (everything, the first time), verifies the
package and merges its reports into DuckDB, exactly once. Then `ncbi_virus_publish` checks a copy of the warehouse and
publishes it as the snapshot to query.

**To fill in days**: *Trigger -> Backfill*. Each day is a window of its own and never moves the watermark.
**To load other days, or everything, once**: *Trigger* with `since` and `until`, or with `mode` = `full`.
**When a full load or census is stopped**, because records are missing or fields are empty: answer its question in
`ncbi_virus_approve`, which *Required Actions* lists.
The run ledger, `ops.ingest_run`, has the request, the package and the line outcomes of every run.
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, Param, get_parsing_context

from ncbi_virus.approvals import ask, stopped_loads
from ncbi_virus.deadlines import deadline_of
from ncbi_virus.operators.ncbi_virus_to_duckdb import NcbiVirusToDuckDBOperator
from ncbi_virus.params import ACCEPT, ACCEPT_PARAMS
from virus_warehouse.run_mode import REQUESTABLE
from virus_warehouse.sources import Source, valid_part

PARAMS = {
    "mode": Param(
        None,
        type=["null", "string"],
        enum=[None, *REQUESTABLE],
        values_display={"null": "window when days are given, else incremental"},
        title="Mode",
        description="incremental: follow the watermark. window: load the days below. full: load everything. "
        "census: load everything, and find missing records. replay: parse quarantined lines again.",
    ),
    "since": Param(
        None, type=["null", "string"], format="date", title="Since", description="First update date of a window."
    ),
    "until": Param(
        None, type=["null", "string"], format="date", title="Until", description="Its end, exclusive. Empty: no end."
    ),
    **ACCEPT_PARAMS,
    "archived": Param(
        None,
        type=["null", "string"],
        title="Stopped run",
        description="Load the archived package of this full load or census, which was stopped. ncbi_virus_approve "
        "fills it in.",
    ),
}


def ingest_dag(source: Source) -> DAG:
    """The DAG of one source."""
    with DAG(
        f"ncbi_virus_ingest__{source.name}",
        description=f"NCBI virus genome reports of {source.request.taxon}, into DuckDB",
        doc_md=__doc__,
        schedule=CronDataIntervalTimetable(source.schedule, timezone="UTC"),
        catchup=False,
        max_active_runs=1,
        default_args={"retry_exponential_backoff": 2.0},
        deadline=deadline_of(source.name, file.alerts),
        params=PARAMS,
        tags=["ncbi", "virus"],
    ) as dag:
        ingest = NcbiVirusToDuckDBOperator(
            task_id="ingest",
            source=source.name,
            pool="ncbi_datasets",
            mode="{{ params.mode or '' }}",
            since="{{ params.since or '' }}",
            until="{{ params.until or '' }}",
            accept=ACCEPT,
            archived="{{ params.archived or '' }}",
        )
        stopped = stopped_loads.override(trigger_rule="all_failed")()
        ingest >> stopped
        ask(stopped)
        # A run has failed if one of its last tasks has: the question alone would make it a success.
        ingest >> EmptyOperator(task_id="loaded")
    return dag


# A task's process needs its own DAG only: with 500 sources, the others take seconds.
wanted, file = get_parsing_context().dag_id, valid_part()
for source in file.sources.values():
    if wanted in (None, dag_id := f"ncbi_virus_ingest__{source.name}"):
        globals()[dag_id] = ingest_dag(source)
