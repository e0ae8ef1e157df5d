"""What errors of a lake mean. `test_lake_faults.py` has most of them from a real lake."""

import duckdb
import pytest
from sqlalchemy import make_url

from virus_warehouse.shortage import DiskFull, translate_resource_errors
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_catalog import CatalogUnavailable
from virus_warehouse.warehouse.lake_errors import explained

LAKE = LakeAddress(make_url("postgresql://user:secret@host/viruses"), "/lake")


def test_full_disk_of_postgresql_is_not_that_of_the_data_folder(tmp_path):
    error = duckdb.IOException('Failed to execute query "COMMIT": could not extend file: No space left on device')
    with pytest.raises(DiskFull, match="the disk of the PostgreSQL server"), translate_resource_errors(tmp_path):
        raise explained(error, LAKE) from error


def test_conflict_of_two_transactions_is_not_a_lost_connection():
    conflict = duckdb.TransactionException('Transaction conflict: Failed to execute query "INSERT"')
    assert explained(conflict, LAKE) is conflict


@pytest.mark.parametrize("text", ["Unable to connect to Postgres at secret", "an error with secret"])
def test_password_is_hidden(text):
    assert "secret" not in str(explained(duckdb.IOException(text), LAKE))


@pytest.mark.parametrize(
    "error",
    [
        duckdb.IOException('Failed to execute query "ROLLBACK": '),
        # What a statement gets after another one that has hidden the loss.
        duckdb.TransactionException(
            "TransactionContext Error: Failed to get global stats information from DuckLake: Current transaction is "
            "aborted (please ROLLBACK)"
        ),
    ],
)
def test_lost_connection_says_what_to_do(error):
    lost = explained(error, LAKE)
    assert isinstance(lost, CatalogUnavailable)
    assert "run it again" in str(lost)


def test_other_errors_are_as_they_were():
    other = duckdb.BinderException("no such column")
    assert explained(other, LAKE) is other
