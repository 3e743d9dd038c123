"""Many records into librdkafka's queue by one call, without a Python object for each.

Owns: the one place that goes round the Python client: `rd_kafka_produce_batch` of the library that the client itself
is linked with, on the client's own handle. Filling the queue record by record from Python was a tenth of the worker's
CPU (decision 0114). Whatever is refused here is the caller's to send the usual way, which says why.
"""

from __future__ import annotations

import ctypes
from importlib.metadata import version
from typing import Any, Final

import numpy as np
from confluent_kafka import Producer, cimpl

from stream.core.records import Records

_KNOWN: Final = version("confluent-kafka").startswith("2.")  # where the handle lies is no promise of the client's
_COPY: Final = 2  # RD_KAFKA_MSG_F_COPY
# rd_kafka_message_t, which is public
_MESSAGE = np.dtype(
    [
        ("err", "i4"), ("rkt", "u8"), ("partition", "i4"), ("payload", "u8"), ("len", "u8"), ("key", "u8"),
        ("key_len", "u8"), ("offset", "i8"), ("private", "u8"),
    ],
    align=True,
)  # fmt: skip

_pointer: Any = ctypes.c_void_p


def _of_library(path: str, name: str, arguments: list[Any], result: Any = None) -> Any:
    """A function of librdkafka, looked for in what the client's module is linked with, too; None where not to be seen.

    A client that is linked with it statically may hide its names: then records go one by one.
    """
    try:
        found = getattr(ctypes.CDLL(path), name)
    except (AttributeError, OSError):
        return None
    found.argtypes, found.restype = arguments, result
    return found


_name = _of_library(cimpl.__file__, "rd_kafka_name", [_pointer], ctypes.c_char_p)
_topic = _of_library(cimpl.__file__, "rd_kafka_topic_new", [_pointer, ctypes.c_char_p, _pointer], _pointer)
_release = _of_library(cimpl.__file__, "rd_kafka_topic_destroy", [_pointer])
_produce = _of_library(
    cimpl.__file__, "rd_kafka_produce_batch", [_pointer, ctypes.c_int32, ctypes.c_int, _pointer, ctypes.c_int],
    ctypes.c_int,
)  # fmt: skip
_ALL_THERE: Final = None not in (_name, _topic, _release, _produce)


def handle_of(producer: object) -> int | None:
    """The client's `rd_kafka_t`, the first thing in the object behind what every Python object has; None if not there.

    That it was found is proved by the name which librdkafka gives every producer.
    """
    if not (_KNOWN and _ALL_THERE and isinstance(producer, Producer)):
        return None
    handle: int | None = _pointer.from_address(id(producer) + object.__basicsize__).value
    return handle if handle and b"#producer-" in _name(handle) else None


def produce(producer: object, topic: str, records: Records, partition: int) -> list[int]:
    """Put records into the producer's queue; the indices of those that it did not take."""
    handle = handle_of(producer)
    if handle is None:
        return list(range(len(records)))
    messages = np.zeros(len(records), _MESSAGE)
    messages["payload"] = np.where(records.gone, 0, records.values.ctypes.data + records.value_ends[:-1])
    messages["len"] = np.diff(records.value_ends)
    messages["key"] = records.keys.ctypes.data + records.key_ends[:-1]
    messages["key_len"] = np.diff(records.key_ends)
    at = _topic(handle, topic.encode(), None)
    if not at:
        return list(range(len(records)))
    try:
        taken = _produce(at, partition, _COPY, messages.ctypes.data, len(messages))
    finally:
        _release(at)
    return [] if taken == len(messages) else np.flatnonzero(messages["err"]).tolist()
