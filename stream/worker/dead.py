"""A dead letter as a Kafka record: the original bytes and key, and in headers why and where from.

Owns: that form and the cutting of oversized originals. Knows no reason by name but the one for a failing kernel.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from confluent_kafka import Message

    from stream.worker.transaction import Headers

MOST_BYTES: Final = 512 * 1024
MOST_DETAIL: Final = 2_000
TOO_LATE: Final = "too_late"
INTERNAL_ERROR: Final = "internal_error"


def letter(record: Message, reason: str, detail: str) -> tuple[bytes | None, bytes | None, Headers]:
    """Value, key and headers of the dead letter of `record`."""
    value = record.value()
    headers: Headers = [
        ("reason", reason),
        ("detail", detail[:MOST_DETAIL]),
        ("topic", record.topic() or ""),
        ("partition", str(record.partition())),
        ("offset", str(record.offset())),
    ]
    if value is not None and len(value) > MOST_BYTES:
        headers += [("original_size", str(len(value))), ("sha256", hashlib.sha256(value).hexdigest())]
        value = value[:MOST_BYTES]
    return value, record.key(), headers
