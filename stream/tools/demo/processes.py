"""The demo's processes, workers and the desk: started, watched and ended by their process ids.

Owns: their life. Each runs `lapse worker` or `lapse desk` exactly as a user would start it, so that the demo shows the
real thing.
"""

from __future__ import annotations

import http
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.error import URLError

from stream.tools.broker import HOST, free_port
from stream.worker.settings import PREFIX, Settings

DESK = "desk"
READY_SECONDS = 300.0  # the first start compiles the kernel
STOP_SECONDS = 15.0
ANSWER_SECONDS = 30.0  # it answers when it has compiled; that it died shows at once
POLL_SECONDS = 0.1
TAIL_BYTES = 3000


class DemoError(RuntimeError):
    """The demo can't go on; the text says why and what to do."""


class Processes:
    """`workers` workers and a desk on one cluster; none of either where it has its own (0). It leaves none behind."""

    def __init__(self, cluster: Settings, policy: str, workers: int) -> None:
        self._names = [*(f"worker {number}" for number in range(workers)), DESK] if workers else []
        self._ports = {name: free_port() for name in self._names}
        self._words = ["--bootstrap", cluster.bootstrap, "--policy", policy]
        # whoever looks at this demo may see its customers: nobody else knows the token, it ends with the demo
        self._token = secrets.token_urlsafe(24)
        # settings for another cluster are none for the demo's own broker
        kept = os.environ if cluster.kafka else {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        self.environment = {**kept, "LAPSE_TOKEN": self._token}
        self._folder = tempfile.TemporaryDirectory(prefix="lapse-demo-")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def metrics_urls(self) -> list[str]:
        """Where each worker shows its metrics."""
        return [f"http://{HOST}:{self._ports[name]}/metrics" for name in self._names if name != DESK]

    @property
    def page_url(self) -> str:
        """The live page, with the token in the part of the address that is never sent."""
        return f"http://{HOST}:{self._ports[DESK]}/#token={self._token}"

    @property
    def where(self) -> str:
        """Where to look."""
        if not self._names:
            return "the cluster's own workers and desk"
        return f"live page {self.page_url} · metrics {' '.join(self.metrics_urls)}"

    def __enter__(self) -> Self:
        try:
            for name in self._names:
                self._running[name] = self._start(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ask all to stop, then wait for each; one that doesn't hear is killed."""
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in self._running.values():
            if process.stdin is not None:
                process.stdin.close()
        self._running.clear()
        self._folder.cleanup()

    def await_ready(self, check: Callable[[], None]) -> None:
        """Wait until each says that it is, unless `check` raises meanwhile."""
        deadline = time.monotonic() + READY_SECONDS
        for name, port in self._ports.items():
            while not _answers(f"http://{HOST}:{port}/readyz"):
                check()
                self.check()
                if time.monotonic() > deadline:
                    raise DemoError(f"{name} was not ready within {READY_SECONDS:.0f} s:\n{self._tail(name)}")
                time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raise DemoError with the last words of one that has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise DemoError(f"{name} ended with code {process.returncode}:\n{self._tail(name)}")

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        # a session of its own: a Ctrl-C on the terminal reaches the demo, which then ends the others in order
        words = [name.split(maxsplit=1)[0], *self._words, "--http", f"{HOST}:{self._ports[name]}"]
        # and on a leash: if the demo itself is killed, the pipe closes and they stop
        command = [sys.executable, "-m", "stream.cli.leash", *words]
        with self._log(name).open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
                env=self.environment,
            )  # fmt: skip

    def _log(self, name: str) -> Path:
        return Path(self._folder.name, f"{name.replace(' ', '-')}.log")

    def _tail(self, name: str) -> str:
        return self._log(name).read_bytes()[-TAIL_BYTES:].decode("utf-8", "replace").strip()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - our own worker on 127.0.0.1
            return bool(answer.status == http.HTTPStatus.OK)
    except (URLError, OSError):
        return False
