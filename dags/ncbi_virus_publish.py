"""### Publish what was loaded

When a load has committed, `prepare` copies the warehouse, `check` runs the gates on the copy, and `publish` makes it
the snapshot that people query. Loads that commit while a publication runs are published by one that follows it.

What a gate finds of a source holds that source back: the snapshot shows it as it was published before, and the news of
all others. `all_sources_published` then fails, and says since when. Only what belongs to no source stops a snapshot:
then `check` fails, and the last good one stays. The log of `check` names the rows and the way out.

**To publish what was held back, knowingly**: *Trigger* with `source` and `accept_findings`.
"""

from airflow.sdk import DAG, AssetAny, Param

from ncbi_virus.assets import LOADS, UNCHANGED, warehouse_asset
from ncbi_virus.publication import all_sources_published, check, prepare, publish
from virus_warehouse.publish.gates import BLOCKING
from virus_warehouse.sources import valid_sources

SOURCES = [source.name for source in valid_sources()]
PARAMS = {
    "source": Param(
        None,
        type=["null", "string"],
        examples=SOURCES,
        title="Source",
        description="Accept findings of this source, and those that belong to none. Empty: of every source.",
    ),
    "accept_findings": Param(
        [],
        type=["null", "array"],
        items={"type": "string", "enum": list(BLOCKING)},
        examples=list(BLOCKING),
        title="Accept findings",
        description="Publish knowingly what these gates would hold back, this once; the snapshot's _about says so.",
    ),
}

with DAG(
    "ncbi_virus_publish",
    description="The snapshot that people query, from what was loaded",
    doc_md=__doc__,
    # The alias would do; the assets are named for Airflow's graph of them.
    schedule=AssetAny(LOADS, UNCHANGED, *map(warehouse_asset, SOURCES)),
    catchup=False,
    max_active_runs=1,
    # Loads show nothing until this has run: whoever switches a source on should not have to think of it.
    is_paused_upon_creation=False,
    default_args={"retry_exponential_backoff": 2.0},
    params=PARAMS,
    tags=["ncbi", "virus"],
):
    publication = prepare()
    held_back = publish(publication)
    check(publication) >> held_back
    all_sources_published(held_back)
