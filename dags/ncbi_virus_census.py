"""### Find records that NCBI no longer lists

NCBI does not announce withdrawn records. So once a week each source is loaded in full, and held records that NCBI does
not list are marked `missing`; those missing in two censuses in a row are withdrawn, and move to the history. A record
that is listed again is live again.

NCBI has dropped hundreds of valid records overnight. When more than `max_missing` of a source's records are missing,
its `census` fails and changes nothing; other sources are not affected. The task's log and the run file name the missing
records; check them at [NCBI Virus](https://www.ncbi.nlm.nih.gov/labs/virus). If they were really withdrawn, answer the
question that *Required Actions* lists: the package is loaded from the archive, without a new download.
"""

from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, Param, task

from ncbi_virus.approvals import ask, stopped_loads
from ncbi_virus.assets import LOADS
from ncbi_virus.operators.ncbi_virus_to_duckdb import NcbiVirusToDuckDBOperator
from ncbi_virus.params import ACCEPT, ACCEPT_PARAMS
from ncbi_virus.retries import RETRY_POLICY
from virus_warehouse.sources import read_sources, valid_sources

SOURCES = [source.name for source in valid_sources()]
SOURCE = Param(
    None,
    type=["null", "string"],
    enum=[None, *SOURCES],
    values_display={"null": "every source"},
    title="Source",
    description="Only this source, or every one.",
)


@task
def followed(params: dict[str, Any] | None = None) -> list[str]:
    """The sources to load: the one named in the form, or all valid ones.

    Raises:
        SourceError: when the file, or every source in it, is invalid: a census of no sources must not look like one
            without findings.
    """
    name, read = (params or {}).get("source"), read_sources()
    if not read.sources:
        raise next(iter(read.errors.values()))
    return [read.source(name).name] if name else list(read.sources)


with DAG(
    "ncbi_virus_census",
    description="Finds records that NCBI no longer lists",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 12 * * 0", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retry_exponential_backoff": 2.0},
    params={"source": SOURCE, **ACCEPT_PARAMS},
    tags=["ncbi", "virus"],
):
    census = NcbiVirusToDuckDBOperator.partial(
        task_id="census",
        pool="ncbi_datasets",
        mode="census",
        retry_policy=RETRY_POLICY,
        outlets=[LOADS],
        map_index_template="{{ task.source }}",
        accept=ACCEPT,
    ).expand(source=followed())
    stopped = stopped_loads.override(trigger_rule="all_done")()
    census >> stopped
    ask(stopped)
    # A run has failed if one of its last tasks has: the questions alone would make it a success.
    census >> EmptyOperator(task_id="loaded")
