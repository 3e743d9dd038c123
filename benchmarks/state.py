"""What a customer costs in memory, and how long a worker needs to get its rows back from the changelog."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks import load
from benchmarks.contestants import WORKER_GROUP
from benchmarks.measure import Committed, rss_bytes
from benchmarks.progress import say
from benchmarks.throughput import PARTITIONS
from benchmarks.workers import make_topics, worker
from stream.tools.broker import Kafka

SETTLE_SECONDS = 5.0
FIRST_CUSTOMERS = 1_000


@dataclass(frozen=True)
class State:
    """Memory in bytes, restore in seconds (medians)."""

    customers: int
    rss_bytes: int
    rss_per_customer_bytes: float  # growth from a worker that has seen a thousand customers
    restore_s: float  # as the worker measures it: from being given the partitions to running them
    start_to_running_s: float  # from starting the process: Python, joining the group, restore
    restored_rss_bytes: int


def run(customers: int, events: int, rounds: int) -> State:
    """Fill a worker with `customers`, weigh it, end it and start it again `rounds` times."""
    with tempfile.TemporaryDirectory(prefix="lapse-bench-") as scratch, Kafka() as kafka:
        make_topics(kafka.bootstrap, PARTITIONS)
        with worker(kafka.bootstrap, Path(scratch)) as ours, Committed(kafka.bootstrap, WORKER_GROUP) as committed:
            # a few first: what the process itself needs, with everything imported and compiled
            orders = load.orders(events, customers)
            total = load.fill(kafka.bootstrap, islice(orders, FIRST_CUSTOMERS))
            committed.wait(total, ours.process, "first customers")
            time.sleep(SETTLE_SECONDS)
            before = rss_bytes(ours.process.pid)
            total += load.fill(kafka.bootstrap, orders)
            committed.wait(total, ours.process, "filling")
            ours.wait_customers(customers)
            time.sleep(SETTLE_SECONDS)
            rss = rss_bytes(ours.process.pid)
            per_customer = (rss - before) / (customers - FIRST_CUSTOMERS)
            say(f"{rss / 2**20:,.0f} MiB, {per_customer:,.0f} bytes a customer")
        restores, starts, again = [], [], 0
        for number in range(rounds):
            with worker(kafka.bootstrap, Path(scratch)) as ours:
                starts.append(ours.wait_running(PARTITIONS))
                sums = ours.sums()
                restores.append(sums["lapse_restore_seconds_sum"] / sums["lapse_restore_seconds_count"])
                ours.wait_customers(customers)
                again = rss_bytes(ours.process.pid)
                say(f"restart {number + 1}: restored in {restores[-1]:.2f} s, {starts[-1]:.2f} s from its start")
    return State(customers, rss, per_customer, statistics.median(restores), statistics.median(starts), again)
