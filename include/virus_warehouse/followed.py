"""The sources that are followed: those of the sources file, and those that runs were given as entries.

A publication has no other way to learn of an entry in somebody's DAG than from what its runs recorded.
"""

import logging
import os
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from virus_warehouse.archive import Archive
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.sources import Source, SourcesFile, read_sources, sources_path

logger = logging.getLogger(__name__)


def followed_sources(data: DataFolder, file: SourcesFile | None = None) -> SourcesFile:
    """The sources file, with the sources that are followed without it.

    Args:
        data: the data folder.
        file: the sources file; read by default. It may be missing where entries are all that is followed.

    Raises:
        SourceError: when the file cannot be read.
    """
    path = sources_path()
    may_be_missing = file is None and not os.environ.get("VIRUS_SOURCES") and not path.exists()
    file = SourcesFile(path) if may_be_missing else file or read_sources(path)
    given = given_entries(data, file)
    if may_be_missing and not given:
        read_sources(path)  # says what is missing
    return replace(file, sources={**file.sources, **given})


def given_entries(data: DataFolder, file: SourcesFile) -> dict[str, Source]:
    """The sources that are not in the file and whose last recorded load was given an entry, as it was then.

    Args:
        data: the data folder.
        file: the sources file.
    """
    folders = [folder for folder in data.packages.iterdir() if folder.name not in {*file.sources, *file.errors}]
    found = ((folder.name, _last_entry(folder)) for folder in sorted(folders))
    return {name: source for name, source in found if source is not None}


def _last_entry(folder: Path) -> Source | None:
    # Loads whose own run died right after its commit are recorded by the next one, which does not know their request.
    loads = [load for load in Archive(folder.parent, folder.name).loads() if load.request is not None]
    entry = loads[-1].entry if loads else None
    if entry is None:
        return None
    try:
        return Source.model_validate(entry)
    except ValidationError as error:
        logger.warning(
            "source %s was given as an entry that this version cannot read, and is not followed: %s", folder.name, error
        )
        return None
