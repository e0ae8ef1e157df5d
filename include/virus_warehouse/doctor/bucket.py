"""Whether the bucket that has the data folder can be used."""

import tempfile
from pathlib import Path

from virus_warehouse.bucket.bucket import Bucket
from virus_warehouse.data_folder import DataFolderError, bucket_of_environment
from virus_warehouse.doctor.finding import Finding, failure, ok
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.failure import Failure

_WRITTEN = ".doctor/written"


def check_bucket(installation: Installation) -> Finding:
    """Whether files can be listed, written, read and removed there. Nothing of the copy on this host is changed."""
    try:
        address = bucket_of_environment()
        if address is None:
            return ok("The data folder is on this host.")
        installation.data.refuse_without_lake(address)
        bucket = Bucket(address)
        next(bucket.files(), None)
        with tempfile.TemporaryDirectory() as folder:
            sent, received = Path(folder) / "sent", Path(folder) / "received"
            sent.write_bytes(b"written by virus-warehouse doctor")
            bucket.send(_WRITTEN, sent)
            bucket.fetch(_WRITTEN, received)
            bucket.remove([_WRITTEN])
            is_same = sent.read_bytes() == received.read_bytes()
    except (Failure, DataFolderError, FileNotFoundError) as error:
        return failure(str(error), "Fix this first: loads, publications and pages fail for the same reason.")
    if not is_same:
        return failure(f"{address} returns other bytes than were written.", "Use a bucket that is consistent.")
    return ok(f"Files can be listed, written, read and removed in {address}.")
