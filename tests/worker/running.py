"""Workers as processes, and what they must have written in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream.tools.broker import free_port
from stream.worker import topics
from stream.worker.restore import CONTROL_KEY
from tests.support.kafka import read_all
from tests.worker.standin import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterable

PROGRAM = Path(__file__).with_name("standin.py")
PATIENCE_SECONDS = 120.0


class Worker:
    """One worker process; what it logged goes to the test's output."""

    def __init__(self, bootstrap: str, slot: str, policy: str | None = None, port: int | None = None) -> None:
        """The stand-in's worker, or with a policy the real one."""
        self.port = port or free_port()
        command = [sys.executable, str(PROGRAM), bootstrap, slot, str(self.port)]
        if policy is not None:
            words = ["worker", "--bootstrap", bootstrap, "--policy", policy, "--http", f"127.0.0.1:{self.port}"]
            command = [sys.executable, "-m", "stream.cli", *words]
        self._process = subprocess.Popen(command, env={**os.environ, "LAPSE_SLOT": slot})

    def url(self, path: str) -> str:
        """The address of a page."""
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page; status 0 when it doesn't listen (yet)."""
        try:
            with urllib.request.urlopen(self.url(path), timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """The sum over the series of a metric."""
        lines = [line.rpartition(" ") for line in self.get("/metrics")[1].splitlines()]
        return sum(float(value) for series, _, value in lines if series.partition("{")[0] == name)

    def wait_running(self, partitions: int) -> None:
        """Wait until at least so many partitions are processed here."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.metric("lapse_partitions_running") < partitions:
            assert time.monotonic() < deadline, f"fewer than {partitions} partitions run"
            time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def ended(self) -> int | None:
        """Its exit code once it has ended."""
        return self._process.poll()

    def stop(self) -> tuple[int, float]:
        """SIGTERM; its exit code and how many seconds that took."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20), time.monotonic() - began

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def committed(bootstrap: str, partitions: int, group: str = "lapse") -> dict[int, int]:
    """The group's stable offsets."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "isolation.level": "read_committed"})
    try:
        asked = [TopicPartition(topics.EVENTS, number) for number in range(partitions)]
        return {one.partition: max(one.offset, 0) for one in consumer.committed(asked, 10)}
    finally:
        consumer.close()


def wait_done(bootstrap: str, partitions: int, total: int, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until the group's offsets say that all `total` records are done."""
    deadline = time.monotonic() + seconds
    done = {}
    while time.monotonic() < deadline:
        try:
            done = committed(bootstrap, partitions)
        except KafkaException:  # the coordinator is on its way
            continue
        if sum(done.values()) == total:
            return
        time.sleep(0.05)
    raise AssertionError(f"{done}: {sum(done.values())} of {total} done")


def rows(bootstrap: str) -> dict[bytes, int]:
    """Customers and their counts, as the changelog says."""
    found = {}
    for record in read_all(bootstrap, topics.CHANGELOG):
        if record.key != CONTROL_KEY:
            assert record.key is not None
            assert record.value is not None
            found[record.key] = int(record.value)
    return found


def check(bootstrap: str, events: Iterable[bytes]) -> None:
    """Alerts and rows are exactly those of an undisturbed run over events of these customers."""
    expected = Counter(events)
    alerts = Counter((record.key or b"", record.value or b"") for record in read_all(bootstrap, topics.ALERTS))
    wanted = Counter((one, b"%d" % n) for one, count in expected.items() for n in range(EVERY, count + 1, EVERY))
    assert not wanted - alerts, f"missing: {wanted - alerts}"
    assert not alerts - wanted, f"repeated or invented: {alerts - wanted}"
    assert rows(bootstrap) == expected
