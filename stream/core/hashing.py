"""One stable 64-bit hash of bytes, for ids that are compared and never shown.

Owns: the hash, and the splitting of NUL-joined keys into spans. It must give the same number on every machine and in
every version: duplicates are recognised by it across restarts (DESIGN §3). Changing it is a change of the row format.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.jit import njit

SEPARATOR = b"\x00"  # ids never contain NUL: the wire refuses it

_OFFSET = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_33 = np.uint64(33)


@njit(inline=True)
def _more(h: np.uint64, data: NDArray[np.uint8], start: int, stop: int) -> np.uint64:
    for i in range(start, stop):
        h = (h ^ np.uint64(data[i])) * _PRIME
    return h


@njit
def mix(h: np.uint64) -> np.uint64:
    """MurmurHash3's avalanche: every bit of the result depends on every bit of h."""
    h = (h ^ (h >> _33)) * _MIX_1
    h = (h ^ (h >> _33)) * _MIX_2
    return h ^ (h >> _33)


@njit
def hash64(data: NDArray[np.uint8], start: int, stop: int) -> np.uint64:
    """FNV-1a over data[start:stop], finished with MurmurHash3's avalanche."""
    return mix(_more(_OFFSET, data, start, stop))


@njit
def hash_pairs(
    data: NDArray[np.uint8], first: NDArray[np.int32], first_end: NDArray[np.int32],
    second: NDArray[np.int32], second_end: NDArray[np.int32], separator: int, hashes: NDArray[np.uint64],
) -> None:  # fmt: skip
    """The hash of data[first:first_end] + separator + data[second:second_end], for each."""
    for i in range(hashes.size):
        h = _more(_OFFSET, data, first[i], first_end[i])
        h = (h ^ np.uint64(separator)) * _PRIME
        hashes[i] = mix(_more(h, data, second[i], second_end[i]))


@njit
def hash_spans(
    data: NDArray[np.uint8], start: NDArray[np.int32], stop: NDArray[np.int32], hashes: NDArray[np.uint64]
) -> None:
    """The hash of each data[start:stop], 0 for an empty one."""
    for i in range(hashes.size):
        hashes[i] = hash64(data, start[i], stop[i]) if start[i] < stop[i] else np.uint64(0)


@njit
def _spans(data: NDArray[np.uint8], starts: NDArray[np.int64], hashes: NDArray[np.uint64]) -> int:
    n = 0
    start = 0
    for i in range(data.size + 1):
        if i == data.size or data[i] == 0:
            if n == hashes.size:
                return -1
            starts[n] = start
            hashes[n] = hash64(data, start, i)
            n += 1
            start = i + 1
    starts[n] = start
    return n


def spans(joined: bytes, n: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    r"""Starts (n + 1) and hashes (n) of n keys joined by NUL; key i is joined[starts[i]:starts[i + 1] - 1].

    >>> starts, hashes = spans(b"a\x00\x00bc", 3)
    >>> starts.tolist(), bool(hashes[0] == hashes[2])
    ([0, 2, 3, 6], False)
    """
    starts = np.zeros(n + 1, np.int64)
    hashes = np.zeros(n, np.uint64)
    if n == 0:
        return starts, hashes
    found = _spans(np.frombuffer(joined, np.uint8), starts, hashes)
    assert found == n, f"{found} keys where {n} were joined"
    return starts, hashes


def hash_of(text: str) -> int:
    """The hash of one string's UTF-8 bytes, as a Python int."""
    data = np.frombuffer(text.encode(), np.uint8)
    return int(hash64(data, 0, data.size))
