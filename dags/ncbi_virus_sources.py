"""Shows the faults of `sources.yaml` among Airflow's import errors; the sound sources keep their DAGs.

A file that fails to import loses all its DAGs: so the faults are raised here, and only here, apart from the files
that make DAGs of the sound sources.
"""

from virus_warehouse.sources import SourceError, read_sources

errors = read_sources().errors
if errors:
    raise SourceError("\n".join(str(error) for error in errors.values()))
