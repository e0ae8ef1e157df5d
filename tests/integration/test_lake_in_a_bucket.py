"""A lake whose files are in a bucket: a local server stands in for S3."""

from pathlib import Path

import duckdb
import pytest

from tests.support.analyst import ask, in_snapshot
from tests.support.buckets import NEEDS_BUCKETS, PROGRAM, SECRET
from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import MPOX, Followed
from tests.support.lakes import NEEDS_LAKES, new_lake, reading_lake
from virus_warehouse.publish.attach import attach_statements
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.lake_storage import LakeStorage

pytestmark = [pytest.mark.slow, NEEDS_LAKES, NEEDS_BUCKETS, pytest.mark.usefixtures("small_loads")]


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
        with followed.warehouse.unchanging() as state:
            state.copy_to(copy)
        assert "of the lake became" in followed.warehouse.tidy_up()
        with reading_lake(lake) as session:
            assert session.execute("SELECT count(*) FROM virus_genome").fetchall() == [(2,)]
            assert SECRET not in str(session.execute("FROM duckdb_secrets()").fetchall())
    with duckdb.connect(copy, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM virus_genome_history").fetchall() == [(1,)]


@pytest.mark.long
def test_the_printed_statements_read_a_bucket_with_the_keys_of_the_environment(bucket, catalog, tmp_path):
    [aws] = PROGRAM.parents[1].glob("lib/python*/site-packages/duckdb_extension_aws")
    with FakeNcbi() as ncbi:
        lake = new_lake(catalog, f"s3://{bucket}")
        followed = Followed(ncbi, tmp_path / "data", LakeStorage(lake))
        followed.show("PX1", 0)
        followed.run()
        publish(followed.warehouse, followed.data, SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX}))
    statements = attach_statements(followed.warehouse, followed.data)
    assert SECRET not in statements
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": SECRET, "PGPASSWORD": lake.password}
    assert ask(statements, tmp_path / "home", packages=[aws], **keys) == in_snapshot(followed)
