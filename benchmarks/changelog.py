"""What the changelog of a partition takes on the broker's disk, beside what it would take with every row once.

Rows of random bytes, so that compression helps nobody, are written as `lapse topics` has the topic made: all of them
once, then again and again in random order, as fast as it goes. Looked at is the disk, while that lasts and when the
broker's cleaner has nothing left to do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import load
from benchmarks.progress import say
from benchmarks.workers import make_topics
from stream.core.row import ROW
from stream.names import CHANGELOG
from stream.tools.broker import Kafka

if TYPE_CHECKING:
    from pathlib import Path

PARTITION = f"{CHANGELOG}-0"
STILL_SECONDS = 40.0  # the cleaner looks every 15 s
LOOK_SECONDS = 1.0


@dataclass
class Disk:
    """Bytes on disk: of every row once, the most meanwhile, in the end; and of all that was written."""

    customers: int
    rounds: int
    once: int = 0
    most: int = 0
    end: int = 0
    written: int = 0


def run(customers: int, rounds: int) -> list[Disk]:
    """One partition of so many customers, each written `rounds` times more; and of a hundredth of them."""
    return [_one(count, rounds) for count in (customers, max(customers // 100, 1))]


def _one(customers: int, rounds: int) -> Disk:
    found = Disk(customers, rounds)
    with Kafka() as kafka:
        make_topics(kafka.bootstrap, 1)
        folder = kafka.data / PARTITION
        rng = np.random.default_rng(1)
        _write(kafka.bootstrap, np.arange(customers), rng)
        found.once = _on_disk(folder)
        for number in range(rounds):
            _write(kafka.bootstrap, rng.permutation(customers), rng)
            found.most = max(found.most, _on_disk(folder))
            say(f"{customers:,} customers, round {number + 1}: {_on_disk(folder) / 1e6:.0f} MB")
        found.written = found.once * (1 + rounds)
        since = time.monotonic()
        while time.monotonic() - since < STILL_SECONDS:
            time.sleep(LOOK_SECONDS)
            now = _on_disk(folder)
            found.most = max(found.most, now)
            if now != found.end:
                found.end, since = now, time.monotonic()
    return found


def _write(bootstrap: str, numbers: np.ndarray[tuple[int], np.dtype[np.int64]], rng: np.random.Generator) -> None:
    out = load.producer(bootstrap)
    for number in numbers.tolist():
        while True:
            try:
                out.produce(CHANGELOG, rng.bytes(ROW.itemsize), load.customer_id(number), 0)
                break
            except BufferError:  # the local queue is full
                out.poll(0.05)
    assert not out.flush(120), "not acknowledged"


def _on_disk(folder: Path) -> int:
    """Bytes of the records; a file may be renamed or deleted while one looks."""
    sizes = []
    for path in folder.glob("*.log"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue
    return sum(sizes)
