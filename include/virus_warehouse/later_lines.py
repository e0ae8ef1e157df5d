"""The lines of packages that were requested later than the one that a run loads, for its merge: `later_line`.

An approved package has waited for its answer while newer ones were loaded: what those list, it does not decide.
"""

import zipfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.archive import Archive
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.ncbi.errors import PackageError
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.reports.reading import stage
from virus_warehouse.session import private_session
from virus_warehouse.sql_file import read_sql, run_sql, sql_text
from virus_warehouse.warehouse.committed_runs import LaterLoad


class LaterPackageMissing(PermanentFailure):
    """A package that was loaded meanwhile cannot be read: the approved one cannot be compared with it."""


class LaterLines:
    """The lines of later packages, in the session of a run.

    Args:
        session: the private session of the run.
        archive: the source's archive.
        temporary: the run's temporary folder.
    """

    def __init__(self, session: DuckDBPyConnection, archive: Archive, temporary: Path) -> None:
        self._session, self._archive = session, archive
        self._folder = temporary / "later"
        self._staged: set[str] = set()

    def stage(self, loads: Iterable[LaterLoad]) -> None:
        """Add the lines of these loads, except those that were added before; within a transaction or not.

        Args:
            loads: the loads.

        Raises:
            LaterPackageMissing: when the package of a load cannot be read.
        """
        run_sql(self._session, "warehouse/sql/later_line.sql")
        for load in loads:
            if load.run_id not in self._staged:
                given = {"lines": str(self._lines(load.package)), "since": load.since, "until": load.until}
                run_sql(self._session, "warehouse/sql/add_later_lines.sql", given)
                self._staged.add(load.run_id)

    def _lines(self, package: str) -> Path:
        """A file with the lines of a package; it can have served several loads."""
        file = self._folder / f"{package}.parquet"
        if file.exists():
            return file
        self._folder.mkdir(exist_ok=True)
        try:
            opened = DataPackage(self._archive.file(package))
            with private_session(self._folder) as session:
                stage(DATA_REPORT, session, partial(opened.open_report, DATA_REPORT.name), self._folder)
                lines = read_sql("warehouse/sql/lines_of_package.sql")
                session.execute(f"COPY ({lines}) TO {sql_text(file)} (FORMAT parquet)")
        except (PackageError, zipfile.BadZipFile, FileNotFoundError) as error:
            raise LaterPackageMissing(
                f"the package of run {package}, which was loaded later, cannot be read ({error}): the stopped load "
                f"cannot be compared with it. Run a census of the source instead"
            ) from error
        return file
