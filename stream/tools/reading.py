"""Reading a topic as any other service would: committed records, from a place on, to the present end or for ever.

Owns: that. Joins no group, commits nothing, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream.tools.cluster import quiet
from stream.worker.settings import Settings

BATCH: Final = 1000
PATIENCE_SECONDS: Final = 10.0
_WAIT_SECONDS: Final = 0.2


def messages(
    cluster: Settings,
    topic: str,
    *,
    since_ms: int | None = None,
    last: int | None = None,
    follow: bool = False,
) -> Iterator[Message]:
    """Yield the records of a topic, of each partition in its order.

    From the beginning, or from the first stored at or after `since_ms` (epoch ms) on, or the `last` so many of each
    partition. Ends at the present end, unless it shall `follow`. Raises KafkaException.
    """
    settings = {
        "group.id": f"{cluster.group}-reader",  # asked for by librdkafka; nothing is committed
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "fetch.queue.backoff.ms": 20,
    }
    consumer = Consumer({**quiet(cluster), **settings})
    try:
        places = _places(consumer, topic, since_ms, last)
        left = {place.partition for place in places}
        consumer.assign(places)
        while left or follow:
            for message in consumer.consume(BATCH, _WAIT_SECONDS):
                error = message.error()
                if error is None:
                    if message.timestamp()[1] >= (since_ms or 0):  # the embedded broker knows no offsets for times
                        yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name for it
                    left.discard(message.partition())
                else:
                    raise KafkaException(error)
    finally:
        consumer.close()


def _places(consumer: Consumer, topic: str, since_ms: int | None, last: int | None) -> list[TopicPartition]:
    found = consumer.list_topics(topic, timeout=PATIENCE_SECONDS).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    if since_ms is not None:
        asked = [TopicPartition(topic, number, since_ms) for number in found.partitions]
        places = consumer.offsets_for_times(asked, timeout=PATIENCE_SECONDS)
        return [TopicPartition(topic, one.partition, one.offset if one.offset >= 0 else OFFSET_END) for one in places]
    if last is None:
        return [TopicPartition(topic, number, OFFSET_BEGINNING) for number in found.partitions]
    places = []
    for number in found.partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=PATIENCE_SECONDS)
        places.append(TopicPartition(topic, number, max(low, high - last)))
    return places
