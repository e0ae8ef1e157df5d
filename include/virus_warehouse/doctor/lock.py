"""Which process has the warehouse file open, so that loads wait for it."""

import textwrap
from datetime import UTC, datetime
from pathlib import Path

import psutil

from virus_warehouse.doctor.finding import Finding, ok, skipped, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.run_file import running_states
from virus_warehouse.warehouse.lock_holder import LockHolder, LockUnknown, lock_holder

_LONGEST_COMMAND = 120
_PROGRAM_WORDS = 2  # the interpreter and its program

_OURS = {"virus-warehouse", "airflow"}
"""The programs of loads and publications; a task of Airflow calls itself `airflow worker`, say."""


def check_lock(installation: Installation) -> Finding:
    """Whether the file is free, or in the hands of a load or publication, which have it for moments only."""
    warehouse = installation.warehouse
    if not warehouse.exists():
        return ok(f"{warehouse} does not exist yet, so nobody has it open.")
    try:
        holder = lock_holder(warehouse)
    except LockUnknown as error:
        return skipped(f"{error}.", "Look for it with `lsof` or the tools of this platform.")
    if holder is None:
        return ok(f"Nobody has {warehouse} open.")
    running = {state.get("process_id"): state.get("run_id") for state in running_states(installation.data.runs)}
    if run_id := running.get(holder.process_id):
        return ok(f"Run {run_id} (process {holder.process_id}) is writing {warehouse}, which takes moments.")
    if running and not holder.process_id:
        runs = ", ".join(str(run_id) for run_id in running.values())
        return ok(f"A process of another container has {warehouse} open; it can be a working run: {runs}.")
    who, command = _described(holder)
    found = f"{who} has {warehouse} open to {'write' if holder.is_writing else 'read'}"
    if any(Path(word).name in _OURS for word in command.split()[:_PROGRAM_WORDS]):
        return ok(f"{found}; a load, check or publication takes moments.")
    return warning(
        f"{found}: loads and publications wait for it, and fail after ten minutes.",
        f"Close it, with `kill {holder.process_id}` if need be, and query the published snapshot instead."
        if holder.process_id
        else "Look for it in the other containers and machines that use this folder, and close it there.",
    )


def _described(holder: LockHolder) -> tuple[str, str]:
    """The process in words, and its command line, as far as this user may know them."""
    if not holder.process_id:
        return "A process of another container or machine", ""
    name = f"Process {holder.process_id}"
    try:
        process = psutil.Process(holder.process_id)
        with process.oneshot():
            started = datetime.fromtimestamp(process.create_time(), UTC)
            command = " ".join(process.cmdline()) or process.name()
            user = process.username()
    except psutil.Error:  # it has ended, or belongs to another user
        return name, ""
    shown = textwrap.shorten(command, _LONGEST_COMMAND, placeholder=" ...")
    return f"{name} (`{shown}`, user {user}, started {started:%Y-%m-%d %H:%M} UTC)", command
