"""Dead letters: input that is no event, with the reason and the original.

Owns: the reasons, and how a dead letter looks as a Kafka record. Bad input is a value here, never an exception.
Knows nothing of producers.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TypeAlias

import msgspec
from msgspec import Struct

MAX_BYTES = 512 * 1024  # of an original; also of an event
MAX_KEY_BYTES = 64 * 1024  # both together must fit librdkafka's million bytes, or the letter could never be sent

Headers: TypeAlias = list[tuple[str, bytes]]


class Reason(StrEnum):
    """Why an input is no event. The first eight are found here, the last two by the kernel and the worker."""

    not_json = "not_json"
    unknown_type = "unknown_type"
    missing_field = "missing_field"
    bad_field = "bad_field"
    amount_out_of_range = "amount_out_of_range"
    time_absurd = "time_absurd"
    key_mismatch = "key_mismatch"
    too_large = "too_large"
    too_late = "too_late"
    internal_error = "internal_error"


class DeadLetter(Struct, frozen=True):
    """`record` is the input's index among those decoded together; `detail` says what was expected and what found."""

    record: int
    reason: Reason
    detail: str


def too_late(record: int) -> DeadLetter:
    """What the kernel found to be earlier than the close clock (definitions T3)."""
    return DeadLetter(record, Reason.too_late, "time: earlier than the close clock, its day is final")


def line(letter: DeadLetter, value: bytes, number: int) -> bytes:
    """A dead letter of a file as a line of JSON: the line's number, why, and the original."""
    text = value[:MAX_BYTES].decode(errors="backslashreplace")
    return msgspec.json.encode({"line": number, "reason": letter.reason, "detail": letter.detail, "value": text})


def to_record(
    letter: DeadLetter, key: bytes | None, value: bytes | None, topic: str, partition: int, offset: int
) -> tuple[bytes | None, bytes, Headers]:
    """Key, value and headers of a dead letter on `customer.events.dead`.

    The value is the original; over 512 kB it is cut, and headers tell the size and SHA-256 that it had. A key over
    64 kB is cut as well.
    """
    original = value or b""
    headers = [
        ("reason", letter.reason.encode()),
        ("detail", letter.detail.encode(errors="backslashreplace")),
        ("topic", topic.encode()),
        ("partition", str(partition).encode()),
        ("offset", str(offset).encode()),
    ]
    if len(original) > MAX_BYTES:
        headers.append(("original_size", str(len(original)).encode()))
        headers.append(("sha256", hashlib.sha256(original).hexdigest().encode()))
    if key is not None and len(key) > MAX_KEY_BYTES:
        headers.append(("original_key_size", str(len(key)).encode()))
        key = key[:MAX_KEY_BYTES]
    return key, original[:MAX_BYTES], headers
