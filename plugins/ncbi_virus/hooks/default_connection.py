"""What the hooks share: a default connection that need not exist."""

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException


class DefaultConnectionHook(BaseHook):
    """A hook that works without its default connection."""

    conn_name_attr: str
    default_conn_name: str

    def connection_or_none(self) -> Connection | None:
        """The connection; None without the default one.

        Raises:
            AirflowNotFoundException: when a connection other than the default one does not exist.
        """
        conn_id = getattr(self, self.conn_name_attr)
        try:
            return self.get_connection(conn_id)
        except AirflowNotFoundException:
            if conn_id != self.default_conn_name:
                raise
            return None
