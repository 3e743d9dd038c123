"""What a person can do something about is told in words; a bug is not, and keeps its stack trace."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream.tools.complaints import in_words


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KafkaException(KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE, "")), "Kafka: COORDINATOR_NOT_AVAILABLE"),
        (KafkaException(KafkaError(KafkaError._TRANSPORT, "it is away: ")), "Kafka: it is away (_TRANSPORT)"),
        (KafkaException("no error of librdkafka's"), "Kafka: no error of librdkafka's"),
        (FileNotFoundError(2, "No such file or directory", "mine.toml"), "mine.toml: No such file or directory"),
        (ValueError("a bug"), None),
    ],
)
def test_what_failed_in_words(error: Exception, told: str | None) -> None:
    assert in_words(error) == told
