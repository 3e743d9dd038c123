"""Alerts as a worker publishes them, a desk as a process, and a receiver that can be told how to behave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import msgspec

from stream.desk.meters import WAITS
from stream.tools.broker import free_port
from stream.wire.encode import AlertEvent
from tests.support.waiting import until

EXAMPLE = Path(__file__).parents[2] / "schemas/examples/alert.json"


def alert(number: int, n: int = 1, status: str = "opened", **data: Any) -> AlertEvent:
    """Transition n of alert `number`, whose customer has that number too."""
    event = msgspec.json.decode(EXAMPLE.read_bytes())
    alert_id = f"{number:032x}"
    event |= {"id": f"{alert_id}:{n}", "type": f"churn.alert.{status}"}
    event["data"] |= {"alert_id": alert_id, "customer_id": str(number), "status": status, "consent_marketing": True}
    event["data"] |= data
    return msgspec.convert(event, AlertEvent)


def record(event: AlertEvent) -> tuple[bytes, bytes]:
    """Key and value on `churn.alerts`."""
    return event.data.customer_id.encode(), msgspec.json.encode(event)


@dataclass(frozen=True)
class Got:
    """What a receiver was sent."""

    key: str
    body: bytes
    headers: Mapping[str, str]
    at: float

    @property
    def event(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A webhook on a port of its own; `answer` says status and headers to the n-th request, from 1."""

    answer: Callable[[int, Got], tuple[int, dict[str, str]]] = lambda _n, _got: (204, {})
    got: list[Got] = field(default_factory=list)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got = Got(self.headers["Idempotency-Key"], body, dict(self.headers), time.time())
                receiver.got.append(got)
                status, headers = receiver.answer(len(receiver.got), got)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def keys(self) -> list[str]:
        """The idempotency keys, as they came."""
        return [got.key for got in self.got]


class Desk:
    """One `lapse desk`; what it logs goes to the test's output."""

    def __init__(self, bootstrap: str, folder: Path, routes: str = "", policy: str = "default", **env: str) -> None:
        self._port = free_port()
        file = folder / "routes.toml"
        file.write_text(routes)
        words = ["desk", "--bootstrap", bootstrap, "--policy", policy, "--http", f"127.0.0.1:{self._port}"]
        command = [sys.executable, "-m", "stream.cli", *words, "--routes", str(file)]
        self._process = subprocess.Popen(command, env={**os.environ, **env})

    def url(self, path: str) -> str:
        """The address of a page."""
        return f"http://127.0.0.1:{self._port}{path}"

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; status 0 when nobody listens (yet)."""
        try:
            with urllib.request.urlopen(self.url(path), timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, series: str) -> float:
        """The value of one series."""
        lines = [line.rpartition(" ") for line in self.get("/metrics")[1].splitlines()]
        return next(float(value) for name, _, value in lines if name == series)

    def waiting(self) -> float:
        """How many deliveries are still to be made, whatever they wait for."""
        return sum(self.metric(f'lapse_desk_waiting{{reason="{why}"}}') for why in WAITS)

    def wait_ready(self) -> None:
        """Wait until it has caught up."""
        until(lambda: self.get("/readyz")[0] == 200 or self._process.poll() is not None, "ready")
        assert self._process.poll() is None, "it ended"

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()
