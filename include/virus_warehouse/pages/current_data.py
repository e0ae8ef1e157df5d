"""The data folder, as the pages show it."""

from datetime import timedelta

from virus_warehouse.data_folder import DataFolder

MAX_AGE = timedelta(seconds=5)
"""A page may show what was in the bucket this long ago: it is not asked for every request."""


def current_data() -> DataFolder:
    """The data folder; a copy of one in a bucket is refreshed now and then.

    Raises:
        DataFolderError: when it cannot be created or written.
        BucketUnavailable: when the bucket cannot be read.
    """
    return DataFolder.from_environment(max_age=MAX_AGE)
