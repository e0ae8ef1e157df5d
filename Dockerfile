# One image for every Airflow service of docker-compose.yaml. It holds no secret: those arrive with the container.
FROM python:3.12-slim

RUN useradd --uid 50000 --create-home --home-dir /opt/airflow airflow

# Before our own code, so that editing a DAG does not install Airflow again.
COPY requirements.txt requirements-build.txt /opt/virus-warehouse/
RUN pip install --no-cache-dir --only-binary :all: --require-hashes -r /opt/virus-warehouse/requirements.txt \
 && pip install --no-cache-dir --only-binary :all: --require-hashes -r /opt/virus-warehouse/requirements-build.txt

WORKDIR /opt/virus-warehouse
COPY scripts/airflow_home.py scripts/scheduler.py scripts/service_health.py scripts/worker_health.py scripts/
COPY pyproject.toml README.md LICENSE ./
COPY include include/
COPY plugins plugins/
COPY dags dags/
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable .

# A new named volume takes its owner from the folder it covers: without these, only root could write there.
RUN install --directory --owner airflow --group airflow data /opt/airflow/logs /opt/airflow/login

USER airflow
