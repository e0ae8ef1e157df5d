"""A dump of Airflow's database, by PostgreSQL's own program."""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from virus_warehouse.backup.manifest import BackupError

VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
"""Where Airflow itself finds the address of its database."""

WITHOUT = "--no-airflow-database makes a back-up without it"


def why_not_dumped() -> str | None:
    """Why Airflow's database is not backed up; None if it is."""
    if not os.environ.get(VARIABLE):
        return f"{VARIABLE} is not set"
    return None if _address().get_backend_name() == "postgresql" else f"{VARIABLE} names no PostgreSQL database"


def dump(file: Path) -> None:
    """Dump Airflow's database, as of one moment, in the format of `pg_restore`.

    Args:
        file: the dump.

    Raises:
        BackupError: when pg_dump is not installed, or fails.
    """
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupError(
            f"{VARIABLE} names a PostgreSQL database, and pg_dump is not installed: install PostgreSQL's client "
            f"programs. {WITHOUT}"
        )
    address = _address()
    # The password is not in the arguments, which every user of the machine can see.
    there = URL.create(
        "postgresql",
        username=address.username,
        host=address.host,
        port=address.port,
        database=address.database,
        query=address.query,
    ).render_as_string()
    secret = {"PGPASSWORD": str(address.password)} if address.password is not None else {}
    done = subprocess.run(
        [program, "--format=custom", "--no-password", f"--file={file}", f"--dbname={there}"],
        env=os.environ | secret,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(
            f"pg_dump cannot dump Airflow's database: {' '.join(done.stderr.split())}. Check {VARIABLE}; {WITHOUT}"
        )


def _address() -> URL:
    try:
        return make_url(os.environ[VARIABLE])
    except ArgumentError as error:
        raise BackupError(f"{VARIABLE} is no address of a database. Correct it; {WITHOUT}") from error
