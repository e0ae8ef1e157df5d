"""Airflow provider metadata of the installed package: connection types with their forms, and the operator."""

from typing import Any, NamedTuple


class ClientField(NamedTuple):
    """An extra field of a connection to NCBI Datasets: an argument of `DatasetsClient`."""

    type: str
    label: str
    description: str


CLIENT_FIELDS = {
    "patience": ClientField("number", "Patience (seconds)", "How long NCBI may be silent altogether in one download."),
    "attempts": ClientField("integer", "Attempts", "How often a download is tried within one run."),
    "connect_timeout": ClientField("number", "Connect timeout (seconds)", "How long to wait for a connection."),
    "read_timeout": ClientField("number", "Read timeout (seconds)", "How long to wait for the next bytes."),
    "backoff_factor": ClientField(
        "number", "Back-off factor", "Seconds before the second attempt; doubled with each further one."
    ),
}
"""By the name of the argument."""


_KEY_LABEL = "API key"


def get_provider_info() -> dict[str, Any]:
    """The provider metadata, in Airflow's schema."""
    return {
        "package-name": "virus-warehouse",
        "name": "NCBI virus warehouse",
        "description": "Keeps a DuckDB warehouse of NCBI virus genome reports up to date.",
        "connection-types": [
            {
                "connection-type": "ncbi_datasets",
                "hook-name": "NCBI Datasets",
                "hook-class-name": "ncbi_virus.hooks.ncbi_datasets.NcbiDatasetsHook",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "login", "port"],
                    "relabeling": {"host": "Base URL", "password": _KEY_LABEL},
                    "placeholders": {"host": "https://api.ncbi.nlm.nih.gov/datasets/v2"},
                },
                "conn-fields": {
                    name: {
                        "label": field.label,
                        "description": field.description,
                        "schema": {"type": [field.type, "null"]},
                    }
                    for name, field in CLIENT_FIELDS.items()
                },
            },
            {
                "connection-type": "virus_warehouse",
                "hook-name": "Virus warehouse",
                "hook-class-name": "ncbi_virus.hooks.virus_warehouse.VirusWarehouseHook",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "login", "password", "port", "extra"],
                    "relabeling": {"host": "DuckDB file"},
                    "placeholders": {"host": "/srv/virus-data/warehouse.duckdb"},
                },
            },
        ],
        "hooks": [
            {"integration-name": "NCBI Datasets", "python-modules": ["ncbi_virus.hooks.ncbi_datasets"]},
            {"integration-name": "Virus warehouse", "python-modules": ["ncbi_virus.hooks.virus_warehouse"]},
        ],
        "operators": [
            {
                "integration-name": "NCBI Datasets",
                "python-modules": ["ncbi_virus.operators.ncbi_virus_to_duckdb"],
            }
        ],
    }
