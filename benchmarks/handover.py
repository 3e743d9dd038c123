"""How long a partition is nobody's when a worker leaves, dies, stands still, or another one comes.

Two workers share the partitions, of which each has a local snapshot of the last minute or two. Each partition gets a
probe 20 times a second: a new customer who cancels, whose alert comes at once. Measured is the time from handing a
probe to the producer until a read_committed consumer holds its alert; the longest of a partition is how long that
partition was not available. Who is the owner is asked of the workers' own metrics.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from benchmarks import load
from benchmarks.contestants import WORKER_GROUP
from benchmarks.latency import Alerts
from benchmarks.measure import BenchmarkError, Committed
from benchmarks.progress import say
from benchmarks.throughput import PARTITIONS
from benchmarks.workers import Worker, make_topics, worker
from stream.tools.broker import Kafka
from stream.wire.placing import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

PERIOD_SECONDS = 0.05
BEFORE_SECONDS, AFTER_SECONDS = 1.0, 16.0
QUIET_SECONDS = 3.0
BALANCED_SECONDS = 60.0
SNAPSHOTS_SECONDS = 180.0
SHORT_SESSION_MS = 2_000

_CANCELLED = (
    b'{"id":"p%d","type":"subscription_cancelled","customer_id":"%b","time":"%b","subscription_id":"s","mrr":10}'
)


@dataclass
class Outage:
    """Seconds for which partitions were not available: of those that changed hands, and of the others."""

    what: str
    session_s: float
    rounds: int = 0
    moved_s: list[float] = field(default_factory=list)
    kept_s: list[float] = field(default_factory=list)


class Probes:
    """Sends a probe to every partition, again and again; when each was sent."""

    def __init__(self, bootstrap: str) -> None:
        self.sent_ns: dict[bytes, int] = {}
        self._producer = load.producer(bootstrap, linger_ms=0)
        self._keys = [_keys(number) for number in range(PARTITIONS)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._producer.flush(10)

    def _send(self) -> None:
        numbers, due = count(), time.monotonic()
        while not self._stop.is_set():
            stamp = load.texts(np.array([time.time_ns() // 1_000_000]))[0]
            for partition in range(PARTITIONS):
                key = next(self._keys[partition])
                self.sent_ns[key] = time.time_ns()
                self._producer.produce(load.TOPIC, _CANCELLED % (next(numbers), key, stamp), key, partition)
            self._producer.poll(0)
            due += PERIOD_SECONDS
            time.sleep(max(0.0, due - time.monotonic()))


def _keys(partition: int) -> Iterator[bytes]:
    """Customers of a partition."""
    names = (b"probe%d" % number for number in count())
    return (name for name in names if partition_of(name, PARTITIONS) == partition)


def run(customers: int, rounds: int) -> list[Outage]:
    """Every kind of change, `rounds` times each, with the default session and with a short one."""
    found = []
    for session_ms in (6_000, SHORT_SESSION_MS):
        kinds = ("SIGTERM", "kill -9", "SIGSTOP", "one comes")
        if session_ms == SHORT_SESSION_MS:
            kinds = kinds[1:3]
        found += _session(customers, rounds, session_ms, kinds)
    return found


def _session(customers: int, rounds: int, session_ms: int, kinds: tuple[str, ...]) -> list[Outage]:
    settings = {"group.min.session.timeout.ms": str(min(session_ms, 6_000))}
    with tempfile.TemporaryDirectory(prefix="lapse-bench-") as scratch, Kafka(settings) as kafka:
        make_topics(kafka.bootstrap, PARTITIONS)
        total = load.fill(kafka.bootstrap, load.orders(customers, customers))
        bench = _Bench(kafka.bootstrap, Path(scratch), session_ms)
        outages = {what: Outage(what, session_ms / 1000) for what in kinds}
        try:
            with Committed(kafka.bootstrap, WORKER_GROUP) as committed:
                committed.wait(total, bench.start("a").process, "filling")
            bench.start("b")
            bench.wait_balanced()
            alerts, filled_s = Alerts(kafka.bootstrap), time.time()
            with Probes(kafka.bootstrap) as probes:
                bench.wait_snapshots(filled_s)
                for what in [what for _ in range(rounds) for what in kinds if what != "one comes"]:
                    time.sleep(QUIET_SECONDS)
                    bench.change(what, outages, probes, alerts)
            alerts.close()
        finally:
            bench.close()
    return list(outages.values())


class _Bench:
    """The two workers, and what happens to the first."""

    def __init__(self, bootstrap: str, scratch: Path, session_ms: int) -> None:
        self._bootstrap, self._scratch = bootstrap, scratch
        self._env = {"LAPSE_KAFKA_SESSION_TIMEOUT_MS": str(session_ms), "LAPSE_SNAPSHOTS": str(scratch / "snapshots")}
        self._workers: dict[str, Worker] = {}
        self._contexts: dict[str, AbstractContextManager[Worker]] = {}

    def start(self, slot: str) -> Worker:
        context = worker(self._bootstrap, self._scratch, {**self._env, "LAPSE_SLOT": slot})
        self._contexts[slot], self._workers[slot] = context, context.__enter__()
        return self._workers[slot]

    def close(self) -> None:
        for context in self._contexts.values():
            context.__exit__(None, None, None)

    def wait_balanced(self) -> None:
        """Return when both have half of the partitions, and all of these run."""
        deadline = time.monotonic() + BALANCED_SECONDS
        while [len(self._owned(slot)) for slot in "ab"] != [PARTITIONS // 2] * 2:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"not balanced after {BALANCED_SECONDS:.0f} s")
            time.sleep(0.1)

    def wait_snapshots(self, since_s: float) -> None:
        """Return when there is a local snapshot of each partition as it is, not as it was while it was filled."""
        deadline = time.monotonic() + SNAPSHOTS_SECONDS
        folder = self._scratch / "snapshots"
        while sum(file.stat().st_mtime > since_s for file in folder.glob("*.snapshot")) < PARTITIONS:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"no snapshot of each partition after {SNAPSHOTS_SECONDS:.0f} s")
            time.sleep(0.5)

    def _owned(self, slot: str) -> frozenset[int]:
        return self._workers[slot].partitions()

    def change(self, what: str, outages: dict[str, Outage], probes: Probes, alerts: Alerts) -> None:
        """Let it happen to worker a, wait until all is well, and let a come again."""
        before, pid = self._owned("a"), self._workers["a"].process.pid
        began_ns = time.time_ns()
        os.kill(pid, {"SIGTERM": signal.SIGTERM, "kill -9": signal.SIGKILL, "SIGSTOP": signal.SIGSTOP}[what])
        time.sleep(AFTER_SECONDS)
        _note(outages[what], began_ns, before, probes, alerts)
        if what == "SIGSTOP":
            os.kill(pid, signal.SIGCONT)
            self.wait_balanced()
            return
        self._contexts.pop("a").__exit__(None, None, None)
        began_ns = time.time_ns()
        self.start("a")
        self.wait_balanced()
        if "one comes" in outages:
            time.sleep(QUIET_SECONDS)
            _note(outages["one comes"], began_ns, self._owned("a"), probes, alerts)


def _note(outage: Outage, began_ns: int, moved: frozenset[int], probes: Probes, alerts: Alerts) -> None:
    """The longest wait of each partition among the probes since then, and a second before."""
    until_ns = time.time_ns() - int(QUIET_SECONDS / 2 * 1e9)
    longest = dict.fromkeys(range(PARTITIONS), 0.0)
    for key, sent_ns in list(probes.sent_ns.items()):
        if began_ns - BEFORE_SECONDS * 1e9 < sent_ns < until_ns:
            seen_ns = alerts.seen_ns.get(key)
            if seen_ns is None:
                waited_s = (time.time_ns() - sent_ns) / 1e9
                raise BenchmarkError(f"{outage.what}: no alert for {key!r} after {waited_s:.1f} s")
            number = partition_of(key, PARTITIONS)
            longest[number] = max(longest[number], (seen_ns - sent_ns) / 1e9)
    outage.rounds += 1
    outage.moved_s += [longest[number] for number in sorted(moved)]
    outage.kept_s += [longest[number] for number in range(PARTITIONS) if number not in moved]
    said = ", ".join(f"{number}{'*' if number in moved else ''}: {seconds:.2f}" for number, seconds in longest.items())
    say(f"{outage.what}: {said}   (* changed hands)")
