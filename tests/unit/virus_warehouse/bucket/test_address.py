"""Addresses of data folders in buckets, and the environment's access to them."""

import pytest

from virus_warehouse.bucket.address import BucketAddress, bucket_access, bucket_address
from virus_warehouse.settings import SettingError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://viruses", BucketAddress("viruses")),
        ("s3://viruses/", BucketAddress("viruses")),
        ("s3://our.viruses-2/a/b/", BucketAddress("our.viruses-2", "a/b")),
    ],
)
def test_an_address_names_a_bucket_and_perhaps_a_folder(text, expected):
    assert bucket_address(text, "VIRUS_DATA") == expected
    assert bucket_address(str(expected), "VIRUS_DATA") == expected


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///x", "s3://UPPER/x", "s3://b", "s3://viruses/../x", "s3://viruses//x", "s3://viruses/a/./b"]
)
def test_another_address_is_refused_with_an_example(text):
    with pytest.raises(SettingError, match=r"VIRUS_DATA is '.*'; .* is like s3://bucket/folder"):
        bucket_address(text, "VIRUS_DATA")


def test_an_endpoint_that_is_no_url_is_refused(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio:9000")
    with pytest.raises(SettingError, match="AWS_ENDPOINT_URL is 'minio:9000'"):
        bucket_access()
