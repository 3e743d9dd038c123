"""`/metrics`, `/healthz`, `/readyz` and `/customers/ID`: what the outside may see of a worker.

Owns: the HTTP server and the form of the answers. It shows the last snapshot that the loop made and touches nothing
else, so a scrape never waits for the loop nor holds it up. A customer's row is shown only to who has the token, and it
is the loop that looks at it.
"""

from __future__ import annotations

import hmac
import json
import sys
import threading
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from typing import Any, Final
from urllib.parse import unquote

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from stream.metrics import WORKER, Metric
from stream.worker.meters import Snapshot
from stream.worker.questions import BusyError, Questions
from stream.worker.settings import DEFAULT_HTTP, address

CUSTOMERS: Final = "/customers/"
HEALTHY_SECONDS: Final = 10.0  # the loop turns a hundred times a second
_PORTS_TRIED: Final = 20
_POLL_SECONDS: Final = 0.05  # stopping the server takes so long

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class SnapshotCollector(Collector):
    """The last snapshot in Prometheus's terms."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        """`snapshot` returns the last one."""
        self._snapshot = snapshot

    def collect(self) -> Iterator[Family]:
        """Every metric of a worker, those without a value as well."""
        snapshot = self._snapshot()
        for metric in WORKER:
            yield _family(metric, snapshot)


def _family(metric: Metric, snapshot: Snapshot) -> Family:
    if metric.kind == "histogram":
        counts, total = snapshot.histograms.get(metric, ((0,) * (len(metric.buckets) + 1), 0.0))
        edges = [*map(str, metric.buckets), "+Inf"]
        family = HistogramMetricFamily(metric.name, metric.help)
        family.add_metric((), list(zip(edges, map(float, accumulate(counts)), strict=True)), total)
        return family
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    simple = kind(metric.name, metric.help, labels=metric.labels)
    for labels, value in snapshot.values.get(metric, {}).items():
        simple.add_metric(labels, value)
    return simple


class Exporter:
    """The server; `snapshot` is set by the loop, `silent_seconds` tells how long the loop was not heard of."""

    def __init__(
        self, where: tuple[str, int] | None, silent_seconds: Callable[[], float], token: str | None = None
    ) -> None:
        """Bind at once: `where`, or the first free port from the default on. Raises OSError when there is none.

        `token` opens customers' rows; without one nobody sees any.
        """
        self.snapshot = Snapshot()
        self.questions = Questions()
        self._token = token
        self._silent_seconds = silent_seconds
        registry = CollectorRegistry()
        registry.register(SnapshotCollector(lambda: self.snapshot))
        ProcessCollector(namespace="lapse", registry=registry)
        self._server = _bind(where, self._handler(registry))

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    def start(self) -> None:
        """Serve, in threads."""
        threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), name="http", daemon=True).start()

    def stop(self) -> None:
        """Stop serving, after `start`."""
        self._server.shutdown()
        self.close()

    def close(self) -> None:
        """Let the port go."""
        self._server.server_close()

    def _answer(self, path: str, headers: Message, registry: CollectorRegistry) -> tuple[int, str, bytes]:
        plain = "text/plain; charset=utf-8"
        if path.startswith(CUSTOMERS):
            status, body = self._customer(unquote(path.removeprefix(CUSTOMERS)), headers.get("Authorization", ""))
            return status, "application/json", json.dumps(body).encode()
        if path == "/metrics":
            encode, kind = choose_encoder(headers.get("Accept", ""))
            return 200, kind, encode(registry)
        if path == "/healthz":
            silent = self._silent_seconds()
            return (200, plain, b"ok\n") if silent < HEALTHY_SECONDS else (503, plain, b"the loop hangs\n")
        if path == "/readyz":
            return (200, plain, b"ready\n") if self.snapshot.ready else (503, plain, b"restoring, or no member yet\n")
        return 404, plain, b"/metrics /healthz /readyz /customers/ID\n"

    def _customer(self, customer_id: str, authorization: str) -> tuple[int, dict[str, Any]]:
        if self._token is None:
            return 403, {"error": "this worker was started without LAPSE_TOKEN: it shows nobody's data"}
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            return 401, {"error": "say the token: Authorization: Bearer ..."}
        try:
            found = self.questions.ask(customer_id)
        except BusyError as error:
            return 503, {"error": str(error)}
        # of a customer who isn't here nobody can say here where they are: sources choose the partitions
        return (404, {"error": "no such customer on this worker's partitions"}) if found is None else (200, found)

    def _handler(self, registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, kind, body = answer(self.path.partition("?")[0], self.headers, registry)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
                """Scrapes are no news."""

        return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up; anything else is told as ever."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _bind(where: tuple[str, int] | None, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    if where is not None:
        return _Server(where, handler)
    default = address(DEFAULT_HTTP)
    assert default is not None
    host, first = default
    for port in range(first, first + _PORTS_TRIED):  # several workers on one machine
        try:
            return _Server((host, port), handler)
        except OSError:
            continue
    raise OSError(f"no free port from {first} to {first + _PORTS_TRIED - 1} on {host}: say --http HOST:PORT")
