"""Topics and groups of the benchmarks' broker. Knows no contestant but by the name of its group."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

DEAD = "customer.events.dead"


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})


def create_topic(bootstrap: str, topic: str, partitions: int) -> None:
    """Create a topic; it must not exist."""
    admin = _admin(bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=1)])[topic].result(30)


def delete_topics_but(bootstrap: str, keep: str) -> None:
    """Delete what a contestant left: else the broker compacts its changelog while the next one is measured."""
    admin = _admin(bootstrap)
    names = [name for name in admin.list_topics(timeout=10).topics if name != keep and not name.startswith("__")]
    if names:
        for deleted in admin.delete_topics(names).values():
            deleted.result(30)


def forget_group(bootstrap: str, group: str) -> None:
    """Delete a group with its offsets, so that the next round starts at the beginning."""
    admin = _admin(bootstrap)
    try:
        admin.delete_consumer_groups([group])[group].result(30)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
            raise


def refused(bootstrap: str) -> int:
    """Dead letters so far: events that were refused must not be counted as fast."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-refused", "log_level": 0})
    try:
        numbers = consumer.list_topics(DEAD, timeout=10).topics[DEAD].partitions
        ends = [consumer.get_watermark_offsets(TopicPartition(DEAD, number), timeout=10) for number in numbers]
        assert None not in ends, "no answer in ten seconds"
    finally:
        consumer.close()
    return sum(end[1] for end in ends)
