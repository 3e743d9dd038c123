"""Reading the dead letters: what was refused, with the reason and the original.

Owns: reading `customer.events.dead` from its beginning to its present end. Changes nothing. How a dead letter is
written is `stream.wire.dead`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream.tools.cluster import quiet
from stream.worker import topics
from stream.worker.settings import Settings

BATCH = 1000
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Dead:
    """One refused input."""

    reason: str
    detail: str
    origin: str  # topic/partition@offset of the original
    stored_at: datetime
    key: bytes | None
    value: bytes

    def as_json(self) -> str:
        """Return it as one line of JSON; an original that is no UTF-8 is given in base64."""
        row = {"stored_at": self.stored_at, "origin": self.origin, "reason": self.reason, "detail": self.detail}
        for name, data in (("key", self.key), ("value", self.value)):
            try:
                row[name] = None if data is None else data.decode()
            except UnicodeDecodeError:
                row[f"{name}_base64"] = base64.b64encode(data or b"").decode()
        return msgspec.json.encode(row).decode()


def read(cluster: Settings, reason: str | None, limit: int) -> Iterator[Dead]:
    """Yield the refused inputs in the order in which they were refused, at most `limit`, only of `reason` if given."""
    found = 0
    for message in _messages(cluster):
        one = _dead(message)
        if reason in {None, one.reason}:
            yield one
            found += 1
            if found == limit:
                return


def _messages(cluster: Settings) -> Iterator[Message]:
    settings = {
        "group.id": f"{cluster.group}-dead",  # asked for by librdkafka; nothing is committed
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
    consumer = Consumer({**quiet(cluster), **settings})
    try:
        found = consumer.list_topics(topics.DEAD, timeout=PATIENCE_SECONDS).topics[topics.DEAD]
        if found.error is not None:
            raise KafkaException(found.error)
        left = set(found.partitions)
        consumer.assign([TopicPartition(topics.DEAD, number, OFFSET_BEGINNING) for number in left])
        while left:
            for message in consumer.consume(BATCH, 0.2):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name for it
                    left.discard(message.partition())
                else:
                    raise KafkaException(error)
    finally:
        consumer.close()


def _dead(message: Message) -> Dead:
    headers = {str(name): _text(value) for name, value in list(message.headers() or [])}
    return Dead(
        reason=headers.get("reason", ""),
        detail=headers.get("detail", ""),
        origin=f"{headers.get('topic', '?')}/{headers.get('partition', '?')}@{headers.get('offset', '?')}",
        stored_at=datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
        key=message.key(),
        value=message.value() or b"",
    )


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
