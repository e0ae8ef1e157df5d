"""The command `virus-warehouse`."""
