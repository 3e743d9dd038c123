"""The demo's worker processes: started, watched and ended by their process ids.

Owns: their life. Each runs `lapse worker` exactly as a user would start it, so that the demo shows the real thing.
"""

from __future__ import annotations

import http
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

READY_SECONDS = 120.0  # the first start compiles the kernel
STOP_SECONDS = 15.0
ANSWER_SECONDS = 30.0  # it answers when it has compiled; that it died shows at once
POLL_SECONDS = 0.1
TAIL_BYTES = 3000


class DemoError(RuntimeError):
    """The demo can't go on; the text says why and what to do."""


class Workers:
    """`count` workers on one cluster; a context manager that leaves none behind."""

    def __init__(self, bootstrap: str, policy: str, count: int) -> None:
        self._ports = [free_port() for _ in range(count)]
        self._words = ["worker", "--bootstrap", bootstrap, "--policy", policy]
        self._folder = tempfile.TemporaryDirectory(prefix="lapse-demo-")
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def metrics_urls(self) -> list[str]:
        """Where each worker shows its metrics."""
        return [f"http://{HOST}:{port}/metrics" for port in self._ports]

    def __enter__(self) -> Self:
        try:
            for number in range(len(self._ports)):
                self._running.append(self._start(number))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ask all to stop, then wait for each; one that doesn't hear is killed."""
        for process in self._running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in self._running:
            if process.stdin is not None:
                process.stdin.close()
        self._running.clear()
        self._folder.cleanup()

    def await_ready(self, check: Callable[[], None]) -> None:
        """Wait until every worker says that it is, unless `check` raises meanwhile."""
        deadline = time.monotonic() + READY_SECONDS
        for port in self._ports:
            while not _answers(f"http://{HOST}:{port}/readyz"):
                check()
                self.check()
                if time.monotonic() > deadline:
                    raise DemoError(f"no worker was ready within {READY_SECONDS:.0f} s:\n{self._tail(0)}")
                time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raise DemoError with the last words of a worker that has ended by itself."""
        for number, process in enumerate(self._running):
            if process.poll() is not None:
                text = f"worker {number} ended with code {process.returncode}:\n{self._tail(number)}"
                raise DemoError(text)

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        # a session of its own: a Ctrl-C on the terminal reaches the demo, which then ends the workers in order
        own = ["--http", f"{HOST}:{self._ports[number]}"]
        # and on a leash: if the demo itself is killed, the pipe closes and the worker stops
        command = [sys.executable, "-m", "stream.cli.leash", *self._words, *own]
        with self._log(number).open("wb") as log:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)

    def _log(self, number: int) -> Path:
        return Path(self._folder.name, f"worker-{number}.log")

    def _tail(self, number: int) -> str:
        return self._log(number).read_bytes()[-TAIL_BYTES:].decode("utf-8", "replace").strip()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - our own worker on 127.0.0.1
            return bool(answer.status == http.HTTPStatus.OK)
    except (URLError, OSError):
        return False
