"""Noticing producers that place customers differently: one customer on two partitions would be two customers.

Owns: a sample of keys (one of each batch), and what it says. A key may lie where Java's murmur2 puts it, or
where librdkafka's default (CRC-32) does; either is fine as long as all producers do the same. Where some keys lie as
the one and some as the other, or as neither, somebody differs; and where such a customer has a row too where the others
lie, they are two by now. What is told names no customer, only a place in the log; counts go to the meters.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable
from typing import Final

from stream import metrics
from stream.wire.placing import partition_of
from stream.worker.meters import Meters

LEAST: Final = 20  # samples that tell the two apart, before anything is said
MOST: Final = 1_000  # remembered; then the past counts half
SHARE: Final = 0.01  # of samples that may differ unsaid: a partition's number is hit by chance now and then
AGAIN_SECONDS: Final = 600.0
LOOK_SECONDS: Final = 1.0  # between two looks for a row elsewhere

_log = logging.getLogger("lapse.placement")


class Placement:
    """What the samples of one worker say."""

    def __init__(self, partitions: int, meters: Meters, has: Callable[[int, str], bool]) -> None:
        """`partitions` of `customer.events`; `has` says whether a partition runs here and knows a customer."""
        self._partitions = partitions
        self._meters, self._has = meters, has
        self._as = {"murmur2": 0, "crc32": 0, "neither": 0}
        self._told = self._looked = -AGAIN_SECONDS
        for how in self._as:
            meters.add(metrics.PLACED, how, by=0)
        meters.add(metrics.SPLIT, by=0)

    def look(self, key: bytes | None, partition: int, offset: int, now: float | None = None) -> str:
        """Take note of a key; what was said about it, or nothing."""
        if not key or self._partitions == 1:
            return ""
        places = {"murmur2": partition_of(key, self._partitions), "crc32": zlib.crc32(key) % self._partitions}
        if set(places.values()) == {partition}:
            return ""  # both would have put it here
        how = next((how for how, place in places.items() if place == partition), "neither")
        self._as[how] += 1
        self._meters.add(metrics.PLACED, how)
        total, usual = sum(self._as.values()), max(self._as, key=lambda one: self._as[one])
        if total > MOST:
            self._as = {one: count // 2 for one, count in self._as.items()}
        now = time.monotonic() if now is None else now
        differ = total - self._as[usual]
        if total < LEAST or how == usual:
            return ""
        self._look_there(key, places.get(usual), partition, offset, now)
        if differ < SHARE * total or now - self._told < AGAIN_SECONDS:
            return ""
        self._told = now
        said = (
            f"producers place customers differently: of {total} keys {differ} lie not as {usual} puts them, such as "
            f"that at partition {partition}, offset {offset}: give all producers the same partitioner"
        )
        _log.error("%s", said)
        return said

    def _look_there(self, key: bytes, there: int | None, partition: int, offset: int, now: float) -> None:
        """Whether this customer has a row where the others' producer would put them."""
        if there is None or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        if self._has(there, key.decode(errors="replace")):
            self._meters.add(metrics.SPLIT)
            _log.error(
                "the customer at partition %d, offset %d, has a row on partition %d too", partition, offset, there
            )
