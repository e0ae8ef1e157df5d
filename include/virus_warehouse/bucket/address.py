"""The address of a data folder in a bucket, `s3://bucket/prefix`, and how to reach the bucket."""

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from virus_warehouse.settings import SettingError

PREFIX = "s3://"

_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*?))?/*")


@dataclass(frozen=True)
class BucketAddress:
    """A folder in a bucket.

    Attributes:
        bucket: name of the bucket.
        prefix: the folder; empty for the whole bucket.
    """

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{PREFIX}{self.bucket}/{self.prefix}".rstrip("/")


@dataclass(frozen=True)
class BucketAccess:
    """How to reach buckets; None where the machine itself may know, by its role, say.

    Attributes:
        key_id, secret, session_token: the key.
        region: the region of the bucket.
        endpoint: URL of the server; None for Amazon's.
    """

    key_id: str | None
    secret: str | None
    session_token: str | None
    region: str | None
    endpoint: str | None


def is_bucket(place: str) -> bool:
    """Whether a place is the address of a folder in a bucket, and not a path."""
    return place.startswith(PREFIX)


def bucket_address(text: str, given_as: str) -> BucketAddress:
    """The address in a setting.

    Args:
        text: the setting.
        given_as: its name, for the error.

    Raises:
        SettingError: when it is no such address.
    """
    found = _ADDRESS.fullmatch(text)
    prefix = (found["prefix"] or "") if found else ""
    if found is None or (prefix and not {"", ".", ".."}.isdisjoint(prefix.split("/"))):
        raise SettingError(f"{given_as} is {text!r}; the address of a folder in a bucket is like s3://bucket/folder")
    return BucketAddress(found["bucket"], prefix)


def bucket_access() -> BucketAccess:
    """What `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL` say.

    Raises:
        SettingError: when `AWS_ENDPOINT_URL` is no URL.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or None
    if endpoint is not None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SettingError(f"AWS_ENDPOINT_URL is {endpoint!r}; it must be like https://s3.example.org")
    return BucketAccess(
        key_id=os.environ.get("AWS_ACCESS_KEY_ID") or None,
        secret=os.environ.get("AWS_SECRET_ACCESS_KEY") or None,
        session_token=os.environ.get("AWS_SESSION_TOKEN") or None,
        region=os.environ.get("AWS_REGION") or None,
        endpoint=endpoint,
    )
