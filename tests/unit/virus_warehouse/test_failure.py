"""Expected failures: an error class says once, by its base class, how commands and tasks treat it."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
import typer

import virus_warehouse
from virus_warehouse.cli.failures import explained
from virus_warehouse.failure import Failure, PermanentFailure

OTHERS = {
    "virus_warehouse.cookbook.BrokenRecipe": "a bug in a recipe",
    "virus_warehouse.data_folder.NoSnapshot": "a page says so",
    "virus_warehouse.doctor.installation.InLake": "ends a check of a warehouse file, which is then skipped",
    "virus_warehouse.doctor.installation.NotExaminable": "ends a check, which is then skipped",
    "virus_warehouse.warehouse.lock_holder.LockUnknown": "ends a check, which then says so",
    "virus_warehouse.ncbi.client.Silence": "ends an attempt of a download, which is counted",
    "virus_warehouse.ncbi.pace.pace.Paused": "ends a wait, which then fails as NCBI's own answer does",
    "virus_warehouse.sql_file.VariableMissing": "a bug in a caller",
    "virus_warehouse.warehouse.storage.StorageBusy": "ends an attempt to attach the warehouse, which waits",
    "virus_warehouse.window_order.EarlierDayFirst": "no failure: the task looks again later",
}
"""Errors that are no expected failures, with the reason; those of the pages become pages."""


def error_classes() -> Iterator[type[BaseException]]:
    """The public error classes of the warehouse."""
    for module in pkgutil.walk_packages(virus_warehouse.__path__, "virus_warehouse."):
        if ".migrations." in module.name or module.name.startswith(
            ("virus_warehouse.pages", "virus_warehouse.sandbox")
        ):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            is_own = isinstance(value, type) and value.__module__ == module.name and not name.startswith("_")
            if is_own and issubclass(value, BaseException):
                yield value


def test_every_error_is_an_expected_failure_or_named_with_the_reason() -> None:
    found = {f"{error.__module__}.{error.__qualname__}": issubclass(error, Failure) for error in error_classes()}
    assert len(found) > 20
    assert {name for name, is_expected in found.items() if not is_expected} == OTHERS.keys()


@pytest.mark.parametrize("kind", [Failure, PermanentFailure])
def test_command_prints_the_message_of_any_new_failure(kind: type[Failure], capsys: pytest.CaptureFixture[str]) -> None:
    class NewFailure(kind):  # type: ignore[misc, valid-type]
        """A class that is named nowhere else."""

    with pytest.raises(typer.Exit) as end, explained(as_json=True):
        raise NewFailure("what to do")
    assert end.value.exit_code == 1
    assert capsys.readouterr() == ('{"succeeded": false, "message": "what to do"}\n', "what to do\n")
