"""### Keep the data folder small and quick

Once a week: files of dead runs, old run files and refused packages, archived packages older than `retention_days`, past
states older than `history_days` where a source sets it, old candidates, and small files of the sequence store. It runs
beside loads and publications, which wait for it as they do for each other.

The log has one line for each part, with what it freed. A part that fails does not stop the others.
`virus-warehouse housekeeping` does the same.
"""

from airflow.sdk import DAG, CronDataIntervalTimetable

from ncbi_virus.housekeeping import housekeeping

with DAG(
    "ncbi_virus_housekeeping",
    description="Removes what is old, and compacts the sequence store",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 18 * * 0", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retry_exponential_backoff": 2.0},
    tags=["ncbi", "virus"],
):
    housekeeping()
