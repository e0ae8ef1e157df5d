"""### Inform people when something begins to be wrong, and when it is over

Every ten minutes, the alarms of the page *Overview* are compared with those that people have been informed of. Each
channel of `alerts:` in the sources file gets one message with all that has begun or ended since, as its rules say.

**To try the channels**: *Trigger* with *Send a test message*.
"""

from airflow.sdk import DAG, CronTriggerTimetable, Param

from ncbi_virus.alerts import send
from virus_warehouse.sources import valid_part

file = valid_part()

if file.alerts or file.alerts_error:
    with DAG(
        "ncbi_virus_alerts",
        description="Informs people of what has begun to be wrong, and what is over",
        doc_md=__doc__,
        schedule=CronTriggerTimetable("*/10 * * * *", timezone="UTC"),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        params={
            "test": Param(
                False,
                type="boolean",
                title="Send a test message",
                description="To every channel, and nothing else.",
            )
        },
        tags=["ncbi", "virus"],
    ):
        send()
