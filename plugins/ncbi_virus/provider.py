"""Airflow provider metadata of the installed package: connection types with their forms, and the operator."""

from typing import Any

CLIENT_FIELDS = {
    "patience": ("Patience (seconds)", "How long NCBI may be silent altogether in one download."),
    "attempts": ("Attempts", "How often a download is tried within one run."),
    "connect_timeout": ("Connect timeout (seconds)", "How long to wait for a connection."),
    "read_timeout": ("Read timeout (seconds)", "How long to wait for the next bytes."),
    "backoff_factor": ("Back-off factor", "Seconds before the second attempt; doubled with each further one."),
}
"""Extra fields of a connection to NCBI Datasets: arguments of `DatasetsClient`, with label and description."""


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
                    "relabeling": {"host": "Base URL", "password": "API key"},  # nosec B105
                    "placeholders": {"host": "https://api.ncbi.nlm.nih.gov/datasets/v2"},
                },
                "conn-fields": {
                    name: {
                        "label": label,
                        "description": description,
                        "schema": {"type": ["integer" if name == "attempts" else "number", "null"]},
                    }
                    for name, (label, description) in CLIENT_FIELDS.items()
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
