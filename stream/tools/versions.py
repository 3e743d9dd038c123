"""Versions of the policy on a cluster: published, taken back, listed.

Owns: writing to and reading from `lapse.policy` for people; a worker has its own reader.
"""

from __future__ import annotations

import time
from datetime import date

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Producer, TopicPartition

from stream.names import POLICY
from stream.wire import policies
from stream.wire.policies import PolicyVersion
from stream.wire.stamps import rfc3339
from stream.worker import clients
from stream.worker.settings import Settings

PATIENCE_SECONDS = 10.0


def publish(settings: Settings, text: str, name: str, since: date) -> PolicyVersion:
    """Have a policy in force from a business day on. Raises PolicyError, KafkaException."""
    key, value = policies.encode(text, name, since, rfc3339(int(time.time()) * 1000))
    _send(settings, key, value)
    return policies.decode(value)[0]


def take_back(settings: Settings, since: date) -> None:
    """Forget the version of that day. Raises KafkaException."""
    _send(settings, since.isoformat().encode(), None)


def listed(settings: Settings) -> list[PolicyVersion]:
    """The versions that stand on the topic, by day; what is none is left out. Raises KafkaException."""
    consumer = clients.reader(settings)
    found: dict[bytes, PolicyVersion | None] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        consumer.assign([TopicPartition(POLICY, 0, OFFSET_BEGINNING)])
        while time.monotonic() < deadline:
            for message in consumer.consume(100, 0.2):
                error = message.error()
                if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 — that is its name
                    return sorted((one for one in found.values() if one), key=lambda one: one.since)
                if error is not None:
                    raise KafkaException(error)
                found[message.key() or b""] = _version(message.value())
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{POLICY} can't be read"))  # noqa: SLF001 — as above
    finally:
        consumer.close()


def _version(value: bytes | None) -> PolicyVersion | None:
    try:
        return policies.decode(value)[0] if value else None
    except policies.VersionError:
        return None


def _send(settings: Settings, key: bytes, value: bytes | None) -> None:
    failed: list[KafkaError] = []
    producer = Producer({**settings.client(), "enable.idempotence": True, "acks": "all"})
    producer.produce(POLICY, value, key, 0, on_delivery=lambda error, _: failed.append(error) if error else None)
    if producer.flush(PATIENCE_SECONDS):
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{POLICY} took nothing"))  # noqa: SLF001 — as above
    if failed:
        raise KafkaException(failed[0])
