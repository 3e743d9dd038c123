"""Is the cluster there? Asked quickly and told in words, before anything that would wait long.

Owns: that question. Changes nothing.
"""

from __future__ import annotations

from typing import Final

from confluent_kafka import Consumer, KafkaException

from stream.worker.settings import Settings

ANSWER_SECONDS = 5.0

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


def quiet(cluster: Settings) -> dict[str, object]:
    """Return what every librdkafka client of a tool starts from."""
    return {**cluster.client(), **QUIET}
