"""The input of the benchmarks: orders as JSON, as fast as one process can write them. Knows no contestant."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from confluent_kafka import Producer

from benchmarks.progress import say

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC = "customer.events"
SPAN_DAYS = 30
DAY_MS = 86_400_000
CHUNK = 100_000

_ORDER = (
    b'{"id":"e%d","type":"order_completed","customer_id":"%b","time":"%b","order_id":"o%d",'
    b'"amount":%d.%02d,"currency":"USD"}'
)


def customer_id(number: int) -> bytes:
    """The id of customer `number`."""
    return b"c%07d" % number


def order(number: int, customer: bytes, time_text: bytes, cents: int) -> bytes:
    """An order event as JSON; `time_text` is RFC 3339."""
    return _ORDER % (number, customer, time_text, number, cents // 100, cents % 100)


def texts(times_ms: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[bytes]:
    """Epoch milliseconds as RFC 3339 in UTC."""
    stamps = times_ms.astype("datetime64[ms]")
    found: list[bytes] = np.datetime_as_string(stamps, unit="ms", timezone="UTC").astype("S").tolist()
    return found


def orders(count: int, customers: int, seed: int = 1, span_days: int = SPAN_DAYS) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of `count` orders: every customer once, the rest drawn evenly, shuffled.

    They lie in the last `span_days`, in the order of time.
    """
    assert count >= customers, "every customer has to occur"
    rng = np.random.default_rng(seed)
    who = rng.permutation(np.concatenate([np.arange(customers), rng.integers(0, customers, count - customers)]))
    end_ms = int(time.time() * 1000)
    times = np.linspace(end_ms - span_days * DAY_MS, end_ms, count).astype(np.int64)
    cents = rng.integers(100, 20_000, count)
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        stamps = texts(times[start:stop])
        numbers, amounts = who[start:stop].tolist(), cents[start:stop].tolist()
        for n, (number, stamp, amount) in enumerate(zip(numbers, stamps, amounts, strict=True), start):
            key = customer_id(number)
            yield key, order(n, key, stamp, amount)


def producer(bootstrap: str, linger_ms: int = 20) -> Producer:
    """Idempotent, compressed, with the Java client's partitioner."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "log_level": 0,
            "enable.idempotence": True,
            "linger.ms": linger_ms,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000,
            "partitioner": "murmur2_random",
        }
    )


def fill(bootstrap: str, records: Iterator[tuple[bytes, bytes]]) -> int:
    """Write the records to the events topic, all acknowledged on return; their number."""
    out = producer(bootstrap)
    count, started = 0, time.monotonic()
    for key, value in records:
        while True:
            try:
                out.produce(TOPIC, value, key)
                break
            except BufferError:  # the local queue is full
                out.poll(0.05)
        count += 1
        if count % CHUNK == 0:
            out.poll(0)
    left = out.flush(120)
    assert not left, f"{left} events not acknowledged"
    seconds = time.monotonic() - started
    say(f"produced {count:,} events in {seconds:.1f} s")
    return count
