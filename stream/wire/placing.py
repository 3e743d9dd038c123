"""On which partition a key lies: what the Java client and librdkafka's `murmur2_random` do.

Owns: that hash. Kafka leaves the choice to the producer; all that lapse writes, and what other clients write by
default, is placed like this. Knows nothing of topics.
"""

from __future__ import annotations

import struct
from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_ALL: Final = 0xFFFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key.

    >>> [partition_of(key, 8) for key in (b"", b"1228", b"customer-1", "Zoë".encode())]
    [1, 7, 1, 6]
    """
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, with the seed of org.apache.kafka.common.utils.Utils.murmur2 (unsigned here).

    >>> murmur2(b"21") == 0xFFFFFFFF + 1 - 973932308
    True
    """
    h = _SEED ^ len(data)
    whole = len(data) & ~3
    for (four,) in struct.iter_unpack("<I", data[:whole]):
        k = four * _M & _ALL
        h = (h * _M & _ALL) ^ ((k ^ (k >> 24)) * _M & _ALL)
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _ALL
    h = (h ^ (h >> 13)) * _M & _ALL
    return h ^ (h >> 15)
