"""Prometheus, Alertmanager and a receiver of its messages as processes of a test's own, with time running faster.

Owns: their configuration (the shipped one, with other addresses and all durations multiplied), ports and lives. Knows
nothing of what a rule is about.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import yaml

from grafana.rules.__main__ import files
from grafana.rules.form import Form
from stream.tools.broker import free_port
from tests.support.waiting import until

ROOT: Final = Path(__file__).parents[2]
ALERTMANAGER_YML: Final = ROOT / "grafana" / "alertmanager" / "alertmanager.yml"
PROMETHEUS_YML: Final = ROOT / "grafana" / "prometheus" / "prometheus.yml"
READY_SECONDS: Final = 60.0
HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class Message:
    """What a receiver was sent: to whom, and the alerts in it by name and status."""

    receiver: str
    at: float  # monotonic seconds
    alerts: tuple[tuple[str, str], ...]
    body: dict[str, Any] = field(compare=False)


class Receiver:
    """Takes webhooks of all receivers; the last part of the path says whose it is."""

    def __init__(self) -> None:
        """`messages` grows; other threads add to it."""
        self.messages: list[Message] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                alerts = tuple((one["labels"]["alertname"], one["status"]) for one in body["alerts"])
                messages.append(Message(self.path.strip("/"), time.monotonic(), alerts, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
                """Nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def told(self, receiver: str, since: float = 0.0) -> set[str]:
        """Names of the alerts that a receiver was told are firing."""
        found = [one for one in list(self.messages) if one.receiver == receiver and one.at >= since]
        return {name for one in found for name, status in one.alerts if status == "firing"}


def routing(url: str, form: Form) -> str:
    """The shipped Alertmanager configuration, every receiver a webhook at `url`, its durations multiplied."""
    config = yaml.safe_load(ALERTMANAGER_YML.read_text("utf-8"))
    config.pop("templates")
    config["global"] = {"resolve_timeout": form.duration(config["global"]["resolve_timeout"])}
    config["receivers"] = [
        {"name": one["name"], "webhook_configs": [{"url": f"{url}/{one['name']}"}]} for one in config["receivers"]
    ]
    for route in (config["route"], *config["route"]["routes"]):
        for key in ("group_wait", "group_interval", "repeat_interval"):
            if key in route:
                route[key] = "1ms" if route[key] == "0s" else form.duration(route[key])
    return yaml.safe_dump(config)


def scraping(folder: Path, targets: dict[str, list[str]], alertmanager: str, form: Form) -> str:
    """The shipped Prometheus configuration with other addresses; jobs that are not among `targets` stay away."""
    config = yaml.safe_load(PROMETHEUS_YML.read_text("utf-8"))
    for key in ("scrape_interval", "evaluation_interval"):
        config["global"][key] = form.every or form.duration(config["global"][key])
    config["global"]["scrape_timeout"] = config["global"]["scrape_interval"]
    config["rule_files"] = [str(folder / "rules" / "*.yml")]
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
    names = {one["job_name"] for one in config["scrape_configs"]}
    assert set(targets) <= names, f"{set(targets) - names} are no jobs of {PROMETHEUS_YML}"
    config["scrape_configs"] = [
        {"job_name": name, "static_configs": [{"targets": targets[name]}]} for name in sorted(targets)
    ]
    return yaml.safe_dump(config)


@contextmanager
def alertmanager(folder: Path, url: str, form: Form) -> Iterator[str]:
    """Run one that sends everything to `url`; yields its `host:port`."""
    path = folder / "alertmanager.yml"
    path.write_text(routing(url, form), "utf-8")
    port = free_port()
    words = ["prometheus-alertmanager", f"--config.file={path}", f"--storage.path={folder / 'alertmanager'}"]
    words += [f"--web.listen-address={HOST}:{port}", "--cluster.listen-address="]
    with _process(words, folder / "alertmanager.log", f"http://{HOST}:{port}/-/ready"):
        yield f"{HOST}:{port}"


@contextmanager
def prometheus(folder: Path, targets: dict[str, list[str]], alertmanager: str, form: Form) -> Iterator[str]:
    """Run one with the shipped rules; yields its `host:port`."""
    (folder / "rules").mkdir()
    for name, text in files(form).items():
        (folder / "rules" / name).write_text(text, "utf-8")
    path = folder / "prometheus.yml"
    path.write_text(scraping(folder, targets, alertmanager, form), "utf-8")
    port = free_port()
    words = ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'prometheus'}"]
    words += [f"--web.listen-address={HOST}:{port}", f"--rules.alert.resend-delay={form.every or '1m'}"]
    with _process(words, folder / "prometheus.log", f"http://{HOST}:{port}/-/ready"):
        yield f"{HOST}:{port}"


@contextmanager
def _process(words: list[str], log: Path, ready: str) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        until(lambda: _answers(ready), lambda: log.read_text("utf-8", "replace")[-2000:], READY_SECONDS)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def ask(address: str, path: str, body: object = None) -> Any:
    """The JSON that an address answers with; a body is posted."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{address}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None
