# Sourced by the commands of the Makefile: where Airflow's home and the warehouse's data are, and what runs them.
# Each can be set in the environment instead.
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export AIRFLOW_HOME="${AIRFLOW_HOME:-$checkout/.airflow}"
export VIRUS_DATA="${VIRUS_DATA:-$checkout/data}"
# `make test DUCKDB=2` has another one.
export VENV="${VENV:-.venv}"
export PATH="$checkout/$VENV/bin:$PATH"
# Machines that build images set this; here, each process would compile our own modules and tests once more.
unset PYTHONDONTWRITEBYTECODE
# Two libraries of Airflow's warn at every start, of nothing that is ours.
export PYTHONWARNINGS="${PYTHONWARNINGS:-ignore}"
