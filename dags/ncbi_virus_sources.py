"""Reports errors of `sources.yaml` as Airflow import errors; valid sources keep their DAGs.

A file that fails to import loses all its DAGs, so the errors are only raised here, and not in the files that create the
DAGs of the valid sources.
"""

from virus_warehouse.sources import SourceError, read_sources

errors = read_sources().errors
if errors:
    raise SourceError("\n".join(str(error) for error in errors.values()))
