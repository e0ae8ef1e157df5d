"""### Publish what was loaded

When a load has committed, `prepare` copies the warehouse, `check` runs the gates on the copy, and `publish` makes it
the snapshot to query. Loads that commit during a publication are published by the next one.

A finding of a source holds that source back: the snapshot shows its last published state, and the updates of all
others. `all_sources_published` then fails, and names the sources. Findings of no single source block the snapshot:
then `check` fails, and the last good snapshot stays. The log of `check` has a line for each gate, and the findings.

**To publish what was held back**: answer its question in `ncbi_virus_approve`, which *Required Actions* lists; or
*Trigger* with *Source* and *Accept findings*.
"""

from airflow.sdk import DAG, AssetAny, Param

from ncbi_virus.approvals import ask
from ncbi_virus.assets import APPROVALS, LOADS, UNCHANGED, warehouse_asset
from ncbi_virus.publication import all_sources_published, check, prepare, publish, questions
from virus_warehouse.publish.gates import BLOCKING
from virus_warehouse.sources import valid_sources

SOURCES = [source.name for source in valid_sources()]
PARAMS = {
    "source": Param(
        None,
        type=["null", "string"],
        examples=SOURCES,
        title="Source",
        description="Accept findings of this source, and those of no single source. Empty: of every source.",
    ),
    "accept_findings": Param(
        [],
        type=["null", "array"],
        items={"type": "string", "enum": list(BLOCKING)},
        examples=list(BLOCKING),
        title="Accept findings",
        description="Publish despite these gates' findings, for this run only. Recorded in _about.",
    ),
}

with DAG(
    "ncbi_virus_publish",
    description="Checks what was loaded, and publishes it as the snapshot to query",
    doc_md=__doc__,
    # The aliases would suffice; the assets are listed for Airflow's asset graph.
    schedule=AssetAny(LOADS, UNCHANGED, APPROVALS, *map(warehouse_asset, SOURCES)),
    catchup=False,
    max_active_runs=1,
    # Unpaused from the start, because loads only become visible with a publication.
    is_paused_upon_creation=False,
    default_args={"retry_exponential_backoff": 2.0},
    params=PARAMS,
    tags=["ncbi", "virus"],
):
    publication = prepare()
    held_back = publish(publication)
    check(publication) >> held_back
    all_sources_published(held_back)
    asked = questions(publication)
    held_back >> asked
    ask(asked)
