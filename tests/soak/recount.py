"""What one undisturbed worker makes of a long log, a piece at a time, against what is on the topics.

Owns: the comparison in bounded memory: of records only digests are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from stream import policies
from stream.worker import topics
from stream.worker.incarnation import Incarnation
from stream.worker.job import real_job
from stream.worker.restore import CONTROL_KEY
from tests.simulation.log import Undisturbed

AT_ONCE = 20_000


@dataclass(frozen=True)
class Found:
    """What is not as it must be, and how much was compared."""

    problems: list[str]
    told: str


@dataclass
class Sums:
    """Digests of what was said, and of each customer's last row."""

    alerts: Counter[bytes] = field(default_factory=Counter)
    parts: Counter[bytes] = field(default_factory=Counter)
    rows: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, topic: str, key: Any, value: Any) -> None:
        """Take note of a record."""
        if topic == topics.ALERTS:
            self.alerts[_digest(key, value)] += 1
        elif topic == topics.PARTS and b'"final":true' in (value or b""):  # others may have been compacted away
            self.parts[_digest(key, value)] += 1
        elif topic == topics.CHANGELOG and not key.startswith(CONTROL_KEY[:1]):
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = _digest(key, value)


def differences(bootstrap: str, policy: str, partitions: int) -> Found:
    """Alerts and final counts must be there exactly once, of rows the last counts."""
    wanted, found = _wanted(bootstrap, policy, partitions), Sums()
    for topic, count in ((topics.ALERTS, partitions), (topics.PARTS, 1), (topics.CHANGELOG, partitions)):
        for number in range(count):
            for records in _read(bootstrap, topic, number):
                for record in records:
                    found.add(topic, record.key(), record.value())
    problems = []
    for what, seen, expected in (("alerts", found.alerts, wanted.alerts), ("final counts", found.parts, wanted.parts)):
        missing, extra = (expected - seen).total(), (seen - expected).total()
        if missing or extra:
            problems.append(f"{what}: {missing} of {expected.total()} missing, {extra} repeated or invented")
    names = wanted.rows.keys() | found.rows.keys()
    wrong = sum(found.rows.get(key) != wanted.rows.get(key) for key in names)
    if wrong:
        problems.append(f"rows: {wrong} of {len(wanted.rows)} differ")
    told = f"{wanted.alerts.total():,} alerts, {wanted.parts.total():,} final counts, {len(wanted.rows):,} rows"
    return Found(problems, f"{told}: {'all equal' if not problems else 'not equal'}")


def _wanted(bootstrap: str, policy: str, partitions: int) -> Sums:
    job, sums = real_job(policies.load(policy)), Sums()
    for number in range(partitions):
        worker, one = Undisturbed(job), Incarnation(number, job.make, 0.0)
        for records in _read(bootstrap, topics.EVENTS, number):
            worker.processor.take(one, records)
            worker.commit()
            for sent in worker.transactions.done:
                sums.add(sent.topic, sent.key, sent.value)
            worker.transactions.done.clear()
    return sums


def _digest(key: bytes, value: bytes | None) -> bytes:
    return blake2b(key + b"\0" + (value or b""), digest_size=16).digest()


def _read(bootstrap: str, topic: str, partition: int) -> Iterator[list[Message]]:
    """A partition's committed records, a piece at a time."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "recount", "enable.auto.commit": False,
        "enable.partition.eof": True, "isolation.level": "read_committed", "fetch.wait.max.ms": 50,
    })  # fmt: skip
    try:
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
        while True:
            found = consumer.consume(AT_ONCE, 1.0)
            records = [one for one in found if one.error() is None]
            if records:
                yield records
            for one in found:
                error = one.error()
                if error is not None:
                    assert error.code() == KafkaError._PARTITION_EOF, error.str()
                    return
    finally:
        consumer.close()
