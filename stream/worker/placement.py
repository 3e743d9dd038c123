"""Noticing producers that place customers differently: one customer on two partitions would be two customers.

Owns: a sample of keys (one of each batch), and what it says. A key may lie where Java's murmur2 puts it, or
where librdkafka's default (CRC-32) does; either is fine as long as all producers do the same. Where some keys lie as
the one and some as the other, or as neither, somebody differs. What is told names no customer, only a place in the log.
"""

from __future__ import annotations

import logging
import time
import zlib
from typing import Final

from stream.wire.placing import partition_of

LEAST: Final = 20  # samples that tell the two apart, before anything is said
MOST: Final = 1_000  # remembered; then the past counts half
SHARE: Final = 0.01  # of samples that may differ unsaid: a partition's number is hit by chance now and then
AGAIN_SECONDS: Final = 600.0

_log = logging.getLogger("lapse.placement")


class Placement:
    """What the samples of one worker say."""

    def __init__(self, partitions: int) -> None:
        """`partitions` of `customer.events`."""
        self._partitions = partitions
        self._as = {"murmur2": 0, "crc32": 0, "neither": 0}
        self._told = -AGAIN_SECONDS

    def look(self, key: bytes | None, partition: int, offset: int, now: float | None = None) -> str:
        """Take note of a key; what was said about it, or nothing."""
        if not key or self._partitions == 1:
            return ""
        java, native = partition_of(key, self._partitions), zlib.crc32(key) % self._partitions
        if java == native == partition:
            return ""  # both would have put it here
        how = "murmur2" if java == partition else "crc32" if native == partition else "neither"
        self._as[how] += 1
        total, usual = sum(self._as.values()), max(self._as, key=lambda one: self._as[one])
        if total > MOST:
            self._as = {one: count // 2 for one, count in self._as.items()}
        now = time.monotonic() if now is None else now
        differ = total - self._as[usual]
        if total < LEAST or how == usual or differ < SHARE * total or now - self._told < AGAIN_SECONDS:
            return ""
        self._told = now
        said = (
            f"producers place customers differently: of {total} keys {differ} lie not as {usual} puts them, such as "
            f"that at partition {partition}, offset {offset}: give all producers the same partitioner"
        )
        _log.error("%s", said)
        return said
