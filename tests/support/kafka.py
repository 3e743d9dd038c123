"""What tests do with a broker: create topics, write records, read a topic to its end. Knows no format."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Record:
    """A record as read back; `headers` in their order."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, str | bytes | None], ...]
    timestamp_ms: int


def create_topic(bootstrap: str, topic: str, partitions: int = 1, settings: Mapping[str, str] | None = None) -> None:
    """Create a topic and wait until it can be written."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=dict(settings or {}))
    admin.create_topics([new])[topic].result(PATIENCE_SECONDS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(admin.list_topics(topic, timeout=5).topics[topic].partitions) != partitions:
        assert time.monotonic() < deadline, f"{topic} did not appear"
        time.sleep(0.02)


def produce(
    bootstrap: str, topic: str, records: Iterable[tuple[bytes | None, bytes | None]], partition: int = -1
) -> int:
    """Write (key, value) pairs in their order, all acknowledged on return; the partition is the key's unless given.

    The partitioner is the Java client's (murmur2), as other producers of the same topic have it.
    """
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "partitioner": "murmur2_random"}
    )
    failed: list[str] = []

    def delivered(error: object, _message: Message) -> None:
        if error is not None:
            failed.append(str(error))

    count = 0
    for key, value in records:
        while True:
            try:
                producer.produce(topic, value, key, partition, on_delivery=delivered)
                break
            except BufferError:  # the local queue is full
                producer.poll(0.1)
        count += 1
    left = producer.flush(PATIENCE_SECONDS)
    assert not left, f"{left} records not acknowledged"
    assert not failed, failed[0]
    return count


def read_all(bootstrap: str, topic: str, *, committed: bool = True) -> list[Record]:
    """Read a topic from its beginning to its end, partition by partition in offset order.

    With `committed`, waits until no transaction is open (last stable offset = high watermark): a dead worker's open
    transaction would look like loss.
    """
    isolation = "read_committed" if committed else "read_uncommitted"
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "tests",  # asked for by librdkafka; nothing is committed
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "fetch.queue.backoff.ms": 20,
            "fetch.wait.max.ms": 50,  # an empty fetch that waits only delays the mark of the end
        }
    )
    try:
        partitions = sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        ends = _ends(bootstrap, topic, partitions)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        return _until(consumer, ends)
    finally:
        consumer.close()


def _ends(bootstrap: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """The high watermarks, which count open transactions as well."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "tests", "isolation.level": "read_uncommitted"})
    try:
        found = {number: consumer.get_watermark_offsets(TopicPartition(topic, number), 10) for number in partitions}
    finally:
        consumer.close()
    return {number: int(ends[1]) for number, ends in found.items()}


def _until(consumer: Consumer, ends: dict[int, int]) -> list[Record]:
    """Read until each partition reports its end at `ends` or later (librdkafka's end is the last stable offset)."""
    found: dict[int, list[Record]] = {number: [] for number in ends}
    left = {number for number, end in ends.items() if end > 0}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left:
        assert time.monotonic() < deadline, f"an open transaction, or nothing to read before the end of {left}: {ends}"
        for message in consumer.consume(10_000, 0.2):
            error, number = message.error(), _number(message.partition())
            if error is None:
                found[number].append(_record(message))
                deadline = time.monotonic() + PATIENCE_SECONDS
            elif error.code() == KafkaError._PARTITION_EOF and _number(message.offset()) >= ends[number]:
                left.discard(number)
    return [record for number in sorted(found) for record in found[number]]


def _record(message: Message) -> Record:
    headers = message.headers() or []
    assert isinstance(headers, list)
    return Record(
        topic=str(message.topic()),
        partition=_number(message.partition()),
        offset=_number(message.offset()),
        key=message.key(),
        value=message.value(),
        headers=tuple(headers),
        timestamp_ms=message.timestamp()[1],
    )


def _number(value: int | None) -> int:
    assert value is not None
    return value
