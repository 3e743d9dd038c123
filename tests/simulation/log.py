"""Kafka as far as one partition's processing needs it: records to read, and what was sent in transactions.

Owns: records made by hand, and a stand-in for the transactional producer, in which nothing is lost or delayed. Knows
nothing of what the records mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from confluent_kafka import Message

from stream.worker import topics
from stream.worker.incarnation import Incarnation
from stream.worker.meters import Meters
from stream.worker.processing import Processor
from stream.worker.restore import CONTROL_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stream.core.records import Records
    from stream.wire.dead import Headers
    from stream.worker.job import Job


def record(
    partition: int, offset: int, key: bytes | None, value: bytes | None, stamp_ms: int, headers: Any = None
) -> Message:
    """A record of `customer.events`, made by librdkafka's own class."""
    made: Any = Message
    found: Message = made(
        topic=topics.EVENTS, partition=partition, offset=offset, key=key, value=value, headers=headers,
        timestamp=(1, stamp_ms),
    )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Sent:
    """A record that was sent; of the changelog the partition is given, of others -1."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(slots=True)
class Transactions:
    """The producer of one worker; `done` is what was committed."""

    open: bool = False
    since: float = 0.0
    sent: list[Sent] = field(default_factory=list)
    done: list[Sent] = field(default_factory=list)

    def begin(self) -> None:
        assert not self.open
        self.open = True

    def send(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Headers | None = None, partition: int = -1
    ) -> None:
        self.sent.append(Sent(topic, partition, key, value, tuple(headers or ())))

    def send_all(self, topic: str, records: Records, partition: int) -> None:
        self.sent += [Sent(topic, partition, key, value) for key, value in zip(*records.lists(), strict=True)]

    def commit(self) -> None:
        self.done += self.sent
        self.sent.clear()
        self.open = False

    def abort(self) -> None:
        self.sent.clear()
        self.open = False


class Undisturbed:
    """One worker to which nothing happens: what must have come out in the end, whatever happened to the others."""

    def __init__(self, job: Job) -> None:
        self.transactions = Transactions()
        self._job = job
        self.processor = Processor(job, self.transactions, Meters(), self.commit)  # type: ignore[arg-type]

    def run(self, number: int, records: Sequence[Message], at_once: int = 5_000) -> None:
        """Process a partition's records from the first to the last."""
        one = Incarnation(number, self._job.make, 0.0)
        for at in range(0, len(records), at_once):
            self.processor.take(one, records[at : at + at_once])
            self.commit()

    def commit(self) -> None:
        for one in self.processor.dirty:
            self.processor.write_rows(one)
            self.processor.write_control(one)
        self.processor.dirty.clear()
        self.transactions.commit()

    def of(self, topic: str) -> Iterator[Sent]:
        return (one for one in self.transactions.done if one.topic == topic)

    def rows(self) -> dict[tuple[int, bytes], bytes]:
        return latest((one.partition, one.key or b"", one.value) for one in self.of(topics.CHANGELOG))


def latest(records: Any) -> dict[tuple[int, bytes], bytes]:
    """A compacted changelog: the last row of each customer, without those that were taken away."""
    found: dict[tuple[int, bytes], bytes] = {}
    for partition, key, value in records:
        if key.startswith(CONTROL_KEY[:1]):
            continue
        if value is None:
            found.pop((partition, key), None)
        else:
            found[partition, key] = value
    return found
