"""A `lapse worker` process on a benchmark's broker, and what it says of itself. Knows its metrics, not its insides."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.contestants import lapse_command
from benchmarks.measure import BenchmarkError, Running, running
from stream.tools.broker import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prometheus_client.samples import Sample

READY_SECONDS = 120.0
LAG = "lapse_lag_events"  # has a series for each partition that is processed
GAUGE_SECONDS = 60.0  # gauges are scanned now and then


@dataclass(frozen=True)
class Worker:
    """A running worker."""

    process: Running
    url: str
    started: float  # time.monotonic()

    def sums(self) -> dict[str, float]:
        """Every sample of /metrics by name, summed over its labels; empty while it doesn't answer yet."""
        found: dict[str, float] = {}
        for sample in self._samples():
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    def partitions(self) -> frozenset[int]:
        """The partitions that it processes; none while it doesn't answer."""
        return frozenset(int(one.labels["partition"]) for one in self._samples() if one.name == LAG)

    def _samples(self) -> list[Sample]:
        try:
            with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:  # noqa: S310 (our own address)
                text = answer.read().decode()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return []
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def wait_running(self, partitions: int) -> float:
        """Return when all partitions run: the seconds since the process was started."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.process.check()
            if self.sums().get("lapse_partitions_running", 0) == partitions:
                return time.monotonic() - self.started
            time.sleep(0.02)
        raise BenchmarkError(f"not all partitions run after {READY_SECONDS:.0f} s:\n{self.process.tail()}")

    def wait_customers(self, count: int) -> None:
        """Return when the worker counts so many rows: a restore that lost some is no restore."""
        deadline = time.monotonic() + GAUGE_SECONDS
        while (found := self.sums().get("lapse_customers", 0)) != count:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"the worker has {found:,.0f} customers, not {count:,}:\n{self.process.tail()}")
            time.sleep(0.5)


@contextmanager
def worker(bootstrap: str, scratch: Path, env: Mapping[str, str] | None = None) -> Iterator[Worker]:
    """Run a worker while the block lasts; `env` is added to its environment."""
    port = free_port()
    started = time.monotonic()
    command = lapse_command("worker", bootstrap, "--http", f"{HOST}:{port}")
    with running(command, scratch / "worker.log", env) as process:
        yield Worker(process, f"http://{HOST}:{port}", started)


def make_topics(bootstrap: str, partitions: int) -> None:
    """Make the product's topics as a user does."""
    command = lapse_command("topics", bootstrap, "--partitions", str(partitions))
    deadline = time.monotonic() + 10
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            raise BenchmarkError(f"lapse topics failed:\n{done.stdout}{done.stderr}")
        time.sleep(0.5)  # a broker doesn't show new topics to everybody at once
