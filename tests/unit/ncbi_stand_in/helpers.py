"""Helpers to download from a stand-in and to parse the packages."""

import io
import json
import zipfile
from collections import Counter
from typing import Any

import requests

from tests.support.stand_in import StandIn

DATA = "ncbi_dataset/data/"


class Download:
    """A package as received."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        assert response.status_code == 200, response.text
        self.zip = zipfile.ZipFile(io.BytesIO(response.content))

    def text(self, name: str) -> str:
        return self.zip.read(DATA + name).decode()

    def lines(self, name: str = "data_report.jsonl") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text(name).splitlines()]

    @property
    def accessions(self) -> set[str]:
        return {line["accession"] for line in self.lines()}


def get(
    stand_in: StandIn, taxon: str = "10239", params: Any = None, *, timeout: float = 60, **more: Any
) -> requests.Response:
    return requests.get(f"{stand_in.url}/virus/taxon/{taxon}/genome/download", params=params, timeout=timeout, **more)


def download(stand_in: StandIn, taxon: str = "10239", **params: Any) -> Download:
    return Download(get(stand_in, taxon, {"include_sequence": "NONE", **params}))


def post(stand_in: StandIn, body: Any) -> requests.Response:
    return requests.post(f"{stand_in.url}/virus/genome/download", json=body, timeout=60)


def count_by(lines: list[dict[str, Any]], key: str) -> Counter[Any]:
    return Counter(line.get(key) for line in lines)
