"""Is the cluster there? Asked quickly and told in words, before anything that would wait long.

Owns: that question, and waiting until topics that were just made are seen.
"""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream.worker import topics
from stream.worker.settings import Settings

ANSWER_SECONDS = 5.0
APPEAR_SECONDS = 10.0

QUIET: Final = {"log_level": "2"}  # for clients whose errors are told in our words


class ClusterError(RuntimeError):
    """The cluster doesn't answer; the text says what was tried and what to look at."""


def brokers(cluster: Settings) -> int:
    """Return how many brokers the cluster has. Raises ClusterError when it can't be reached within some seconds."""
    try:
        consumer = Consumer({**cluster.client(), "group.id": cluster.group, **QUIET})
        try:
            return len(consumer.list_topics(timeout=ANSWER_SECONDS).brokers)
        finally:
            consumer.close()
    except KafkaException as error:
        why = error.args[0].str() if hasattr(error.args[0], "str") else error.args[0]
        raise ClusterError(
            f"Kafka at {cluster.bootstrap} gave no answer within {ANSWER_SECONDS:.0f} s ({why}): look at the address, "
            "the network, and LAPSE_KAFKA_SECURITY_PROTOCOL and its kin"
        ) from None


def quiet(cluster: Settings) -> dict[str, str | int | float | bool]:
    """Return what every librdkafka client of a tool starts from."""
    return {**cluster.client(), **QUIET}


def make_topics(cluster: Settings, partitions: int, replication: int | None) -> list[str]:
    """Make the topics that are missing, return their names, and don't return before all can be read."""
    kafka = {**cluster.kafka, **QUIET}
    made = topics.create(cluster.bootstrap, partitions, replication, kafka)
    consumer = Consumer({**quiet(cluster), "group.id": cluster.group})
    deadline = time.monotonic() + APPEAR_SECONDS
    try:
        while not all(_can_be_read(consumer, topic) for topic in made):
            if time.monotonic() > deadline:
                raise ClusterError(f"{', '.join(made)} were made, but {cluster.bootstrap} doesn't show them all")
            time.sleep(APPEAR_SECONDS / 100)
    finally:
        consumer.close()
    return made


def _can_be_read(consumer: Consumer, topic: str) -> bool:
    """Whether a topic is known and each partition has a leader who knows of it, which take a moment each."""
    try:
        numbers = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic].partitions
        for number in numbers:
            consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=ANSWER_SECONDS)
    except KafkaException:
        return False
    return bool(numbers)


def topic_problems(cluster: Settings) -> list[str]:
    """Return how the topics differ from what the worker needs, in words."""
    return topics.verify(cluster.bootstrap, {**cluster.kafka, **QUIET})
