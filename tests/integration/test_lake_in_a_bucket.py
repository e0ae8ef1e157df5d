"""A lake whose files are in a bucket: a local server stands in for S3."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.support.buckets import NEEDS_BUCKETS, bucket_server
from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import Followed
from tests.support.lakes import NEEDS_LAKES, new_lake, reading_lake
from virus_warehouse.warehouse.lake_storage import LakeStorage

pytestmark = [pytest.mark.slow, NEEDS_LAKES, NEEDS_BUCKETS]

SECRET = "the-secret-of-the-bucket"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a bucket that the environment gives access to."""
    with bucket_server("viruses") as url:
        settings = {"ENDPOINT_URL": url, "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": SECRET, "REGION": "us-east-1"}
        for name, value in settings.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield "viruses"


def test_runs_copies_and_maintenance_work_in_a_bucket(bucket, catalog, tmp_path):
    with FakeNcbi() as ncbi:
        lake = new_lake(catalog, f"s3://{bucket}")
        followed = Followed(ncbi, tmp_path / "data", LakeStorage(lake))
        followed.show("PX1", 0)
        followed.run()
        followed.show("PX1", 1, length=2)
        followed.show("PX2", 1)
        assert followed.run().counts["revised"] == 1
        copy = tmp_path / "copy.duckdb"
        with followed.warehouse.unchanging() as copy_to:
            copy_to(copy)
        assert "of the lake became" in followed.warehouse.tidy_up()
        with reading_lake(lake) as session:
            assert session.execute("SELECT count(*) FROM virus_genome").fetchall() == [(2,)]
            assert SECRET not in str(session.execute("FROM duckdb_secrets()").fetchall())
    with duckdb.connect(copy, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM virus_genome_history").fetchall() == [(1,)]
