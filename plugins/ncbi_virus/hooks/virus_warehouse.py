"""The Airflow connection to the warehouse."""

import os

from ncbi_virus.hooks.default_connection import DefaultConnectionHook
from virus_warehouse.connection_fields import WAREHOUSE_CONNECTION, warehouse_place_of
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import is_database
from virus_warehouse.warehouse.connection import Warehouse, warehouse_at, warehouse_of


class VirusWarehouseHook(DefaultConnectionHook):
    """Creates a `Warehouse` from an Airflow connection of type `virus_warehouse`, or `duckdb`.

    `VIRUS_WAREHOUSE` takes precedence over the connection; without both it is `warehouse.duckdb` in the data folder.
    The default connection may be missing.

    Args:
        virus_warehouse_conn_id: the connection; host is the path of the file, or the address of a lake, whose user and
            password may be in their own fields.
    """

    conn_name_attr = "virus_warehouse_conn_id"
    default_conn_name = WAREHOUSE_CONNECTION
    conn_type = "virus_warehouse"
    hook_name = "Virus warehouse"

    def __init__(self, virus_warehouse_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.virus_warehouse_conn_id = virus_warehouse_conn_id

    def get_conn(self) -> Warehouse:
        """The warehouse.

        Raises:
            AirflowNotFoundException: when a connection other than the default one does not exist.
            NoWarehousePath: when the connection names no file, and no lake.
            SettingError: when the address of a lake is invalid.
        """
        data = DataFolder.to_read()  # a path is all that is needed of it
        connection = None if os.environ.get("VIRUS_WAREHOUSE") else self.connection_or_none()
        if connection is None:
            return warehouse_of(data)
        place = warehouse_place_of(
            self.virus_warehouse_conn_id,
            connection.host,
            connection.password,
            connection.extra_dejson,
            data.warehouse,
            connection.login,
        )
        return warehouse_at(place)

    def test_connection(self) -> tuple[bool, str]:
        """Whether the file is a DuckDB file, or can be created; or whether the lake's catalog can be reached.

        A file is not opened, as a run may be using it.
        """
        try:
            storage = self.get_conn().storage
            if storage.file is None:
                found = "exists" if storage.exists() else "does not exist yet; the first run creates it"
                return True, f"{storage.location} {found}"
        except Exception as error:  # shown in the form
            return False, str(error)
        path = storage.file
        if not path.is_absolute():
            return False, f"{path} is not an absolute path: each process would look for it in its own folder"
        if path == DataFolder.to_read().snapshot:
            return False, f"{path} is the published snapshot; the warehouse has to be another file"
        if path.is_dir():
            return False, f"{path} is a folder; name a file in it"
        if path.exists():
            return (True, f"{path} is a DuckDB file") if is_database(path) else (False, f"{path} is not a DuckDB file")
        if path.parent.is_dir() and os.access(path.parent, os.W_OK):
            return True, f"{path} does not exist yet; the first run creates it"
        return False, f"{path} does not exist, and {path.parent} is not a writable folder"
