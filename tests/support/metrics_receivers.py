"""What receives metrics: a StatsD listener on UDP, and an OpenTelemetry collector on HTTP."""

import re
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.support.local_server import LocalServer, Quiet

OURS = "airflow.virus_warehouse."


@dataclass(frozen=True)
class Gauge:
    """The last value of a gauge of ours, without the prefix of its name."""

    name: str
    value: float
    tags: Mapping[str, str] = field(default_factory=dict)


class _Received:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gauges: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}

    def _put(self, name: str, tags: Mapping[str, str], value: float) -> None:
        if name.startswith(OURS):
            with self._lock:
                self._gauges[name.removeprefix(OURS), frozenset(tags.items())] = value

    @property
    def gauges(self) -> list[Gauge]:
        """The gauges received so far."""
        with self._lock:
            return [Gauge(name, value, dict(tags)) for (name, tags), value in self._gauges.items()]

    @property
    def names(self) -> set[str]:
        """Their names."""
        return {gauge.name for gauge in self.gauges}

    def values(self, name: str, **tags: str) -> list[Gauge]:
        """The gauges of a name that have these tags, and possibly others."""
        return [gauge for gauge in self.gauges if gauge.name == name and tags.items() <= gauge.tags.items()]

    def value(self, name: str, **tags: str) -> float:
        """The value of the only gauge of a name that has these tags."""
        (gauge,) = self.values(name, **tags)
        return gauge.value


class StatsdListener(_Received):
    """Receives StatsD's packets, with tags as InfluxDB writes them: `airflow.name,source=mpox:3|g`."""

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._receive)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _receive(self) -> None:
        while packet := self._socket.recv(65536):
            for line in packet.decode().splitlines():
                found = re.fullmatch(r"([^,:]+)((?:,[^:]+)?):([^|]+)\|g", line)
                if found:
                    name, tags, value = found.groups()
                    self._put(name, dict(tag.split("=") for tag in tags.split(",")[1:]), float(value))


class _Collector(Quiet, BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/metrics":
            self.server.site.read(ExportMetricsServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class OtlpReceiver(_Received, LocalServer):
    """Receives OTLP over HTTP, as an OpenTelemetry collector does, at `url`."""

    handler = _Collector

    def __init__(self) -> None:
        _Received.__init__(self)
        LocalServer.__init__(self)

    def read(self, request: ExportMetricsServiceRequest) -> None:
        for of_resource in request.resource_metrics:
            for of_scope in of_resource.scope_metrics:
                for metric in of_scope.metrics:
                    for point in metric.gauge.data_points:
                        tags = {attribute.key: attribute.value.string_value for attribute in point.attributes}
                        self._put(metric.name, tags, point.as_double)
