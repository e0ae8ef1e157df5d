"""### See which records NCBI no longer lists

NCBI tells nobody that it has withdrawn a record. So once a week each source is loaded in full, and the records held
that NCBI does not list are marked `missing`; those that two censuses in a row have missed are withdrawn, and move to
the history. Found again, a record is live again.

NCBI has dropped hundreds of good records overnight. When more than `max_missing` of a source's records are gone, its
`census` fails and changes nothing; the other sources go on. The task's log and the run file say who vanished; look at
[NCBI Virus](https://www.ncbi.nlm.nih.gov/labs/virus). If it is meant, *Trigger* with the source and `accept_missing`.
"""

from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, task

from ncbi_virus.assets import LOADS
from ncbi_virus.operators.ncbi_virus_to_duckdb import RETRY_POLICY, NcbiVirusToDuckDBOperator
from ncbi_virus.params import ACCEPT, ACCEPT_PARAMS
from virus_warehouse.sources import read_sources, valid_sources

SOURCES = [source.name for source in valid_sources()]
SOURCE = Param(
    None,
    type=["null", "string"],
    enum=[None, *SOURCES],
    title="Source",
    description="Only this source. Empty: every source.",
)


@task
def followed(params: dict[str, Any] | None = None) -> list[str]:
    """The sources to count: one, if the form names it, or all that are sound.

    Raises:
        SourceError: when the file, or every source in it, cannot be read: a census that counts nothing must not look
            like one that finds nothing.
    """
    name, read = (params or {}).get("source"), read_sources()
    if not read.sources:
        raise next(iter(read.errors.values()))
    return [read.source(name).name] if name else list(read.sources)


with DAG(
    "ncbi_virus_census",
    description="Which of the records held NCBI no longer lists",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 12 * * 0", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retry_exponential_backoff": 2.0},
    params={"source": SOURCE, **ACCEPT_PARAMS},
    tags=["ncbi", "virus"],
):
    NcbiVirusToDuckDBOperator.partial(
        task_id="census",
        pool="ncbi_datasets",
        mode="census",
        retry_policy=RETRY_POLICY,
        outlets=[LOADS],
        map_index_template="{{ task.source }}",
        accept=ACCEPT,
    ).expand(source=followed())
