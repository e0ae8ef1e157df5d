"""Creates Airflow's home: configuration, metadata database, pool and login. Quick when it exists.

    python scripts/airflow_home.py

AIRFLOW_HOME is its folder (`.airflow` in the checkout by default). AIRFLOW__ variables, as in docker-compose.yaml,
take precedence over the configuration written here, as always in Airflow.
"""

import configparser
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
POOL, POOL_SLOTS = "ncbi_datasets", 4
LOGIN = "admin"


def configuration(home: Path) -> dict[str, dict[str, str]]:
    """Airflow's settings for this checkout: others keep Airflow's defaults."""
    return {
        "core": {
            "dags_folder": str(CHECKOUT / "dags"),
            "plugins_folder": str(CHECKOUT / "plugins"),
            "load_examples": "False",
            "default_task_retries": "2",
            "default_task_retry_delay": "300",
            "max_task_retry_delay": "3600",
            "parallelism": "4",
            "simple_auth_manager_users": f"{LOGIN}:admin",
            "simple_auth_manager_passwords_file": str(home / "passwords.json"),
        },
        "database": {"sql_alchemy_conn": f"sqlite:///{home / 'airflow.db'}"},
        "api": {"host": "127.0.0.1", "port": "8080", "secret_key": secrets.token_hex(16)},
        "api_auth": {"jwt_secret": secrets.token_hex(32)},
        "dag_processor": {"refresh_interval": "30"},
        "logging": {"base_log_folder": str(home / "logs")},
    }


def environment(home: Path) -> dict[str, str]:
    """The environment in which Airflow finds this home."""
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "PATH": os.pathsep.join(programs),
    }


def write_configuration(home: Path) -> None:
    """Write `airflow.cfg`, unless there is one."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "airflow.cfg"
    if path.exists():
        return
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(configuration(home))
    with path.open("w", encoding="utf-8") as file:
        file.write("# Written by scripts/airflow_home.py, once: change it as you like.\n")
        parser.write(file)
    path.chmod(0o600)


def create(home: Path) -> None:
    """Create what is missing in Airflow's home; migrate its database; create pool and login."""
    write_configuration(home)
    _airflow(
        home,
        ("db", "migrate"),
        ("pools", "set", POOL, str(POOL_SLOTS), "Downloads from NCBI Datasets at a time"),
    )
    _write_login(home)


def password(home: Path) -> str:
    """The password of the login."""
    return str(json.loads(_passwords_file(home).read_text(encoding="utf-8"))[LOGIN])


def _write_login(home: Path) -> None:
    path = _passwords_file(home)
    given = os.environ.get("AIRFLOW_ADMIN_PASSWORD")
    if path.exists() and not given:
        return
    path.write_text(json.dumps({LOGIN: given or secrets.token_urlsafe(12)}), encoding="utf-8")
    path.chmod(0o600)


def _passwords_file(home: Path) -> Path:
    configured = os.environ.get("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
    return Path(configured) if configured else home / "passwords.json"


def _airflow(home: Path, *commands: Sequence[str]) -> None:
    """Run commands of Airflow's, one after the other in one process: to import Airflow takes most of their time."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _RUN_COMMANDS, json.dumps(commands)],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        names = " and ".join(f"airflow {' '.join(command[:2])}" for command in commands)
        sys.exit(f"{names} failed:\n{done.stdout}{done.stderr}")


_RUN_COMMANDS = """
import json, sys
from airflow.cli.cli_parser import get_parser

for command in json.loads(sys.argv[1]):
    arguments = get_parser().parse_args(command)
    arguments.func(arguments)
"""


if __name__ == "__main__":
    create(Path(os.environ.get("AIRFLOW_HOME") or CHECKOUT / ".airflow").absolute())
