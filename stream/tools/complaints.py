"""Which failures are the surroundings' and can be told in words; anything else is a bug and keeps its traceback.

Owns: that distinction.
"""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from stream.tools.broker import BrokerError
from stream.tools.cluster import ClusterError
from stream.tools.datasets import DataMissingError
from stream.tools.demo.processes import DemoError
from stream.tools.people import DeskError


def in_words(error: Exception) -> str | None:
    """Return what a person can do something about; None for a bug."""
    match error:
        case KafkaException(args=(KafkaError() as cause, *_)):
            words = cause.str().rstrip(": ")  # a broker may give a code and no text
            return f"Kafka: {words} ({cause.name()})" if words else f"Kafka: {cause.name()}"
        case KafkaException():
            return f"Kafka: {error}"
        case BrokerError() | ClusterError() | DataMissingError() | DemoError() | DeskError():
            return str(error)
        case OSError(strerror=str() as why):
            return f"{error.filename}: {why}" if error.filename else why
    return None
