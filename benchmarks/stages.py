"""Where the CPU time of an event goes, without a broker: `python -m benchmarks.stages [--events N] [--customers N]`.

The whole path of the worker between consuming and committing, on the benchmark's orders: records → columns → rows →
changelog records, with a producer that only counts. Records are made outside the measured time, each batch just before
it is used, as they come from librdkafka. CPU time of the one thread, so that other processes disturb little.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from confluent_kafka import Message

from benchmarks import load
from stream.core import kernel
from stream.core.ledger import Ledger
from stream.core.policy import Policy
from stream.core.table import CustomerTable
from stream.worker.incarnation import Incarnation
from stream.worker.job import real_job
from stream.worker.main import tune
from stream.worker.meters import Meters
from stream.worker.processing import Processor

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.core.records import Records

PARTITIONS = 4
A_COMMIT = 40_000  # events: as with a backlog, 250 ms


class Counted:
    """Takes the place of `Transactions`."""

    def __init__(self) -> None:
        self.open = False
        self.since = 0.0
        self.sent: Counter[str] = Counter()

    def begin(self) -> None:
        """Open."""
        self.open = True

    def send(self, topic: str, *_: object) -> None:
        """One record."""
        self.sent[topic] += 1

    def send_all(self, topic: str, records: Records, _: int) -> None:
        """Many records."""
        self.sent[topic] += len(records)


class Clock:
    """CPU seconds by stage; a stage inside another counts for both."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def around(self, owner: Any, name: str, stage: str) -> None:
        """Measure every call of `owner.name`."""
        function: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **named: Any) -> Any:
            began = time.thread_time()
            try:
                return function(*args, **named)
            finally:
                self.seconds[stage] += time.thread_time() - began

        setattr(owner, name, timed)


def run(events: int, customers: int, batch: int) -> Counter[str]:
    """CPU seconds by stage, `all` among them."""
    job, clock, transactions = real_job(Policy("benchmark")), Clock(), Counted()
    job.warm_up()
    tune()
    for owner, name, stage in (
        (Processor, "_decode", "records to columns"),
        (CustomerTable, "rows_of", "find rows"),
        (kernel, "apply", "kernel"),
        (Ledger, "publish", "close days"),
        (Processor, "write_rows", "rows out"),
    ):
        clock.around(owner, name, stage)
    processor = Processor(job, transactions, Meters(), lambda: None)  # type: ignore[arg-type]
    ones = [Incarnation(number, job.make, 0.0) for number in range(PARTITIONS)]
    for one in ones:
        one.position = 0
        one.partition = job.make(one.number)
    pending: list[list[Message]] = [[] for _ in ones]
    offsets = [0] * PARTITIONS
    stamp = (1, time.time_ns() // 1_000_000)
    orders = load.orders(events, customers)
    left, batches = events, 0
    faults = 0
    while left:
        for key, value in islice(orders, batch):
            number = hash(key) % PARTITIONS
            pending[number].append(
                Message(
                    topic=load.TOPIC, partition=number, offset=offsets[number], key=key, value=value, timestamp=stamp
                )
            )
            offsets[number] += 1
            left -= 1
        for one, records in zip(ones, pending, strict=True):
            if len(records) >= batch or (not left and records):
                began, before = time.thread_time(), resource.getrusage(resource.RUSAGE_THREAD)
                processor.take(one, records)
                processor.write_rows(one)
                batches += 1
                if batches % (A_COMMIT // batch) == 0:
                    for dirty in processor.dirty:
                        processor.write_control(dirty)
                    processor.dirty.clear()
                    transactions.open = False
                after = resource.getrusage(resource.RUSAGE_THREAD)
                clock.seconds["all"] += time.thread_time() - began
                clock.seconds["of it in the kernel of the system"] += after.ru_stime - before.ru_stime
                faults += after.ru_minflt - before.ru_minflt
                records.clear()
    assert transactions.sent["customers.changelog"] >= customers
    assert not transactions.sent["customer.events.dead"]
    print(f"{faults / events:.3f} page faults an event")
    return clock.seconds


def main() -> None:
    """Measure and print microseconds an event."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_200_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=5_000, help="records at once")
    arguments = parser.parse_args()
    for stage, seconds in run(arguments.events, arguments.customers, arguments.batch).items():
        print(f"{stage:34} {seconds / arguments.events * 1e6:6.2f} µs")


if __name__ == "__main__":
    main()
