"""The cost of an event as the number of customers grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import cluster, load
from benchmarks.contestants import LAPSE
from benchmarks.progress import say
from benchmarks.throughput import PARTITIONS, once
from stream.tools.broker import Kafka

if TYPE_CHECKING:
    from benchmarks.measure import Rate


@dataclass(frozen=True)
class Cost:
    """The rate with so many customers."""

    customers: int
    rate: Rate

    @property
    def cpu_us(self) -> float:
        """CPU microseconds an event."""
        return 1e6 / self.rate.per_cpu_second


def run(events: int, sizes: list[int]) -> list[Cost]:
    """The whole job on `events` events of each number of customers, each on an empty broker."""
    found = []
    for customers in sizes:
        with Kafka() as kafka:
            cluster.create_topic(kafka.bootstrap, load.TOPIC, PARTITIONS)
            load.fill(kafka.bootstrap, load.orders(events, customers))
            found.append(Cost(customers, once(kafka, LAPSE, events, 0)))
        say(f"{customers:,} customers: {found[-1].cpu_us:.2f} µs of CPU an event")
    return found
