"""Latency from an event to its committed alert, at a given rate of events.

Sleepers are customers who bought daily and stopped: each has an open alert. While ordinary orders come at the rate, a
share of the events are orders of sleepers; each takes its alert back (`churn.alert.resolved`). Measured is the time
from handing the event to the producer until a read_committed consumer holds the alert: both legs through the broker,
the transaction and the commit are in it. Before, the rate is kept up for a while without being measured: a broker in
service is warm, one that was just started compiles itself.
"""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from benchmarks import load
from benchmarks.contestants import WORKER_GROUP
from benchmarks.measure import BenchmarkError, Committed
from benchmarks.progress import say
from benchmarks.throughput import PARTITIONS
from benchmarks.workers import make_topics, worker
from stream.tools.broker import Kafka

if TYPE_CHECKING:
    from collections.abc import Iterator

ALERTS = "churn.alerts"
SLEEPER_ORDERS = 6
FIRST_ORDER_DAYS = 22  # ago; the alert opens about a week after the last one, and would end as churned 28 days later
LAST_ALERTS_SECONDS = 5.0
FIRST_ORDERS = 50
SLICE_SECONDS = 0.001
WARM_UP_SECONDS = 90.0  # a broker's Java compiles itself for so long after its start, with half a core of our two


@dataclass(frozen=True)
class Latency:
    """Milliseconds at one rate; `missing` alerts did not come within five seconds of the last event."""

    rate: int
    alerts: int
    missing: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


class Alerts:
    """All committed alerts as they arrive: the moment of each customer's last one, and how many came."""

    def __init__(self, bootstrap: str) -> None:
        self.count = 0
        self.seen_ns: dict[bytes, int] = {}
        settings = {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-alerts",
            "isolation.level": "read_committed",
            "log_level": 0,
        }
        self._consumer = Consumer({**settings, "enable.auto.commit": False, "fetch.queue.backoff.ms": 5})
        numbers = self._consumer.list_topics(ALERTS, timeout=10).topics[ALERTS].partitions
        self._consumer.assign([TopicPartition(ALERTS, number, OFFSET_BEGINNING) for number in numbers])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.1)  # one at a time: consume(n) would wait for n
            now = time.time_ns()
            if message is not None and message.error() is None:
                key = message.key()
                assert isinstance(key, bytes)
                self.count += 1
                self.seen_ns[key] = now

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()


def run(rates: list[int], customers: int, seconds: float, alerts_per_second: int = 100) -> list[Latency]:
    """The latency at each rate, `customers` ordinary rows in the state, `seconds` each."""
    needed = [int(seconds * min(alerts_per_second, rate // 10)) for rate in rates]
    found = []
    with tempfile.TemporaryDirectory(prefix="lapse-bench-") as scratch, Kafka() as kafka:
        make_topics(kafka.bootstrap, PARTITIONS)
        total = load.fill(kafka.bootstrap, sleepers(sum(needed)))
        total += load.fill(
            kafka.bootstrap, load.orders(customers, customers, span_days=FIRST_ORDER_DAYS - SLEEPER_ORDERS)
        )
        alerts = Alerts(kafka.bootstrap)
        with worker(kafka.bootstrap, Path(scratch)) as ours, Committed(kafka.bootstrap, WORKER_GROUP) as committed:
            committed.wait(total, ours.process, "loading")
            _wait_open(alerts, sum(needed), ours.process.tail)
            asleep = iter(range(sum(needed)))
            say(f"{WARM_UP_SECONDS:.0f} s to warm up at the highest rate")
            _send(kafka.bootstrap, max(rates), WARM_UP_SECONDS, [], customers)
            for rate, count in zip(rates, needed, strict=True):
                say(f"{rate:,} events/s for {seconds:.0f} s")
                sent = _send(
                    kafka.bootstrap, rate, seconds, [sleeper_id(next(asleep)) for _ in range(count)], customers
                )
                time.sleep(LAST_ALERTS_SECONDS)
                found.append(_latency(rate, sent, alerts.seen_ns))
                say(f"  {found[-1]}")
        alerts.close()
    return found


def sleeper_id(number: int) -> bytes:
    """The id of sleeper `number`."""
    return b"s%07d" % number


def sleepers(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Daily orders of each sleeper, three weeks ago, in the order of time."""
    start_ms = int(time.time() * 1000) - FIRST_ORDER_DAYS * load.DAY_MS
    times = start_ms + np.linspace(0, SLEEPER_ORDERS * load.DAY_MS, SLEEPER_ORDERS * count).astype(np.int64)
    for n, stamp in enumerate(load.texts(times)):
        key = sleeper_id(n % count)  # round and round: one order a day each
        yield key, load.order(10_000_000 + n, key, stamp, 1_500)


def _wait_open(alerts: Alerts, count: int, tail: object) -> None:
    deadline = time.monotonic() + 60
    while alerts.count < count:
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{alerts.count:,} of {count:,} sleepers' alerts opened in a minute: {tail}")
        time.sleep(0.1)
    alerts.seen_ns.clear()
    say(f"{count:,} alerts are open")


def _send(bootstrap: str, rate: int, seconds: float, returning: list[bytes], customers: int) -> dict[bytes, int]:
    """Orders at an even rate, those of returning sleepers spread among them; when each of these was sent (ns)."""
    out = load.producer(bootstrap, linger_ms=5)  # as by default: each ms sooner is hundreds of requests a second more
    stamp = load.texts(np.array([time.time_ns() // 1_000_000]))[0]
    for number in range(FIRST_ORDERS):  # a new producer needs half a second for its first records, the worker doesn't
        key = load.customer_id(number % customers)
        out.produce(load.TOPIC, load.order(30_000_000 + rate * 1_000 + number, key, stamp, 1_500), key)
    out.flush(30)
    count = int(rate * seconds)
    every = count // max(len(returning), 1)
    sent: dict[bytes, int] = {}
    started, number = time.monotonic(), 0
    while number < count:
        due = min(int((time.monotonic() - started) * rate) + 1, count)
        if due > number:
            stamp = load.texts(np.array([time.time_ns() // 1_000_000]))[0]
        while number < due:
            back = number % every == every // 2 and len(sent) < len(returning)
            key = returning[len(sent)] if back else load.customer_id(number * 7919 % customers)
            if back:
                sent[key] = time.time_ns()
            out.produce(load.TOPIC, load.order(20_000_000 + rate * 1_000 + number, key, stamp, 1_500), key)
            number += 1
        out.poll(0)
        time.sleep(SLICE_SECONDS)
    behind = time.monotonic() - started - seconds
    if behind > 0.5:
        say(f"  the sender was {behind:.1f} s behind: the rate was not reached")
    out.flush(30)
    return sent


def _latency(rate: int, sent: dict[bytes, int], seen: dict[bytes, int]) -> Latency:
    took = np.array([(seen[key] - at) / 1e6 for key, at in sent.items() if key in seen])
    if not took.size:
        raise BenchmarkError(f"no alert came back at {rate:,} events/s")
    p50, p90, p99 = (float(q) for q in np.percentile(took, [50, 90, 99]))
    return Latency(rate, took.size, len(sent) - took.size, p50, p90, p99, float(took.max()))
