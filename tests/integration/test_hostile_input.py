"""Names, paths and values that try to break out of SQL or of a folder; and files that stay private."""

import datetime
import json
import os
import ssl
import stat
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.test_ingest import KEY, Site, serving
from tests.support.tiers import some_of
from tests.support.warehouses import line
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.private_files import private_files
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.publish.publication import publish
from virus_warehouse.rebuild import rebuild
from virus_warehouse.sources import Source, SourcesFile, read_sources
from virus_warehouse.windows import WindowRequest

HOSTILE = [
    "'; DROP TABLE virus_genome; --",
    '"; DROP TABLE virus_genome; --',
    "' OR '1'='1",
    "../../etc/passwd",
    "$(touch hacked)",
    "{{ 7 * 7 }}",
    "line\nbreak",
    "\u202e\u0000",
    "%s %(x)s {0}",
]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A data folder whose name is hostile, too."""
    return Site(tmp_path / 'it\'s; -- "data" {{ x }}')


def test_values_from_ncbi_are_never_executed(site: Site) -> None:
    lines = [
        line(f"PX{number}.1", isolate={"name": value}, location={"geographicLocation": value}, segment=value)
        for number, value in enumerate(HOSTILE)
    ]
    lines += [json.dumps({"accession": f"PY{number}.1", value: value}) for number, value in enumerate(HOSTILE)]
    lines += [f'{{"accession":"{number}'.replace("\n", " ") + value for number, value in enumerate(HOSTILE[:3])]
    with serving(lines) as ncbi:
        result = site.ingest(ncbi.url)
    assert (result.counts["inserted"], result.counts["quarantined"]) == (len(HOSTILE) * 2, 3)
    rows = site.rows("SELECT isolate_name FROM virus_genome WHERE accession LIKE 'PX%' ORDER BY accession")
    assert [name for (name,) in rows] == HOSTILE
    assert site.rows(gates_sql()) == []


FILTERS = [*zip(HOSTILE[:3], HOSTILE[3:6], HOSTILE[:3], strict=True), *((value,) * 3 for value in HOSTILE[:6])]
"""Taxa, places and hosts: several values at once, and one in each place."""


@pytest.mark.parametrize("filters", some_of(FILTERS, one_in=len(FILTERS)))
def test_filters_of_the_sources_file_are_never_executed(site: Site, filters: tuple[str, str, str]) -> None:
    taxon, place, host = filters
    request = VirusGenomeRequest(taxon=taxon, geo_location=place, host=host)
    source = Source(name="mpox", request=request)
    with serving([line("PX1.1")]) as ncbi:
        site.ingest(ncbi.url, source)
        site.ingest(ncbi.url, source, wish=WindowRequest("census"))
        site.ingest(ncbi.url, source, wish=WindowRequest("replay"))
        assert {dict(request.query)["geo_location"] for request in ncbi.requests} == {place}
        assert all("/virus/taxon/" in request.path and "/genome/download" in request.path for request in ncbi.requests)
    assert publish(site.warehouse, site.data, SourcesFile(Path("sources.yaml"))).publication_id
    rebuilt = rebuild(site.data)
    assert (len(rebuilt.loads), rebuilt.gaps, rebuilt.differences) == (2, [], [])


@pytest.mark.parametrize("name", [*HOSTILE, "Mpox", "mpox.zip", "a/b", ""])
def test_unsafe_source_names_are_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text(json.dumps({"sources": {name: {"taxon": "10244"}}}), encoding="utf-8")
    read = read_sources(file)
    assert (read.sources, len(read.errors)) == ({}, 1)
    assert "use small letters, digits and _" in str(next(iter(read.errors.values())))


def test_no_file_is_accessible_to_other_users(site: Site) -> None:
    umask = os.umask(0)  # the user's umask may be permissive
    try:
        with serving([line("PX1.1"), "{"]) as ncbi:
            site.data.create()
            site.data.warehouse.unlink()
            site.ingest(ncbi.url)
        publish(site.warehouse, site.data, SourcesFile(Path("sources.yaml")))
        rebuild(site.data)
    finally:
        assert os.umask(umask) == 0
    open_to_all = [
        (path.name, stat.filemode(path.stat().st_mode))
        for path in site.data.root.rglob("*")
        if path.stat().st_mode & 0o007 and path != site.data.root and path.parent.name != site.data.root.name
    ]
    made = [path for path in site.data.root.rglob("*") if path.is_file()]
    assert open_to_all == []
    assert len(made) >= 6


def test_stricter_umask_is_kept() -> None:
    before = os.umask(0o077)
    try:
        with private_files():
            inside = os.umask(0o077)
            os.umask(inside)
        assert inside == 0o077
    finally:
        os.umask(before)


def test_server_with_an_untrusted_certificate_gets_no_request(tmp_path: Path) -> None:
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received.append(self.headers["api-key"])

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{server.server_port}"
    try:
        with (
            DatasetsClient(url, KEY, attempts=1) as client,
            pytest.raises(DatasetsUnavailable, match="certificate verify failed"),
        ):
            client.download(VirusGenomeRequest(taxon="10244"), tmp_path / "package.zip")
    finally:
        server.shutdown()
        server.server_close()
    assert received == []


def test_certificates_are_checked_everywhere() -> None:
    checkout = Path(__file__).parents[2]
    sources = [path for part in ("include", "plugins", "dags", "scripts") for path in (checkout / part).rglob("*.py")]
    assert len(sources) > 40
    unchecked = ("verify=False", "CERT_NONE", "_create_unverified_context", "disable_warnings")
    assert [path for path in sources if any(words in path.read_text(encoding="utf-8") for words in unchecked)] == []


def self_signed(folder: Path) -> Path:
    """A self-signed certificate with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file
