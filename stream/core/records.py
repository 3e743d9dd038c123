"""Records for the changelog as they lie in memory: all keys one after the other, all values likewise.

Owns: that shape, and how changed rows get into it. An object for each key and value cost more than filling them, and
lived until their transaction was committed. Knows nothing of Kafka.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.core.row import MORE, ROW
from stream.jit import njit

_ROW, _MORE = ROW.itemsize, MORE.itemsize
_PLACE = int(ROW.fields["more"][1])  # type: ignore[index]
_PLACE_END = _PLACE + 4


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """n records; key i is keys[key_ends[i]:key_ends[i + 1]], values alike (both ends have n + 1 items)."""

    keys: NDArray[np.uint8]
    key_ends: NDArray[np.int64]
    values: NDArray[np.uint8]
    value_ends: NDArray[np.int64]
    gone: NDArray[np.bool_]  # has no value: who had the key is forgotten

    def __len__(self) -> int:
        return self.gone.size

    def lists(self) -> tuple[list[bytes], list[bytes | None]]:
        """The same as objects."""
        keys, values = self.keys.tobytes(), self.values.tobytes()
        whole = [values[a:b] for a, b in pairwise(self.value_ends.tolist())]
        return (
            [keys[a:b] for a, b in pairwise(self.key_ends.tolist())],
            [None if gone else value for value, gone in zip(whole, self.gone.tolist(), strict=True)],
        )

    def __add__(self, other: Records) -> Records:
        if not len(other):
            return self
        return Records(
            np.concatenate([self.keys, other.keys]),
            np.concatenate([self.key_ends, self.key_ends[-1] + other.key_ends[1:]]),
            np.concatenate([self.values, other.values]),
            np.concatenate([self.value_ends, self.value_ends[-1] + other.value_ends[1:]]),
            np.concatenate([self.gone, other.gone]),
        )


def of(keys: Sequence[bytes], values: Sequence[bytes | None]) -> Records:
    """Records of objects.

    >>> of([b"a", b"bc"], [b"1", None]).lists()
    ([b'a', b'bc'], [b'1', None])
    """
    written = [value or b"" for value in values]
    return Records(
        np.frombuffer(b"".join(keys), np.uint8),
        np.cumsum([0, *map(len, keys)], dtype=np.int64),
        np.frombuffer(b"".join(written), np.uint8),
        np.cumsum([0, *map(len, written)], dtype=np.int64),
        np.array([value is None for value in values], bool),
    )


def of_rows(
    rows: NDArray[np.void], more: NDArray[np.void], arena: NDArray[np.uint8], key_start: NDArray[np.int64],
    which: NDArray[np.int32],
) -> Records:  # fmt: skip
    """What the changelog says of rows: a ROW, and a MORE where there is one; nothing of somebody who is gone."""
    n = which.size
    key_ends, value_ends = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    gone = np.zeros(n, np.bool_)
    _measure(rows, key_start, which, key_ends, value_ends, gone)
    keys, values = np.empty(key_ends[-1], np.uint8), np.empty(value_ends[-1], np.uint8)
    _write(as_bytes(rows), as_bytes(more), rows["more"], arena, key_start, which, keys, values, value_ends)
    return Records(keys, key_ends, values, value_ends, gone)


@njit
def _measure(
    rows: NDArray[np.void], key_start: NDArray[np.int64], which: NDArray[np.int32], key_ends: NDArray[np.int64],
    value_ends: NDArray[np.int64], gone: NDArray[np.bool_],
) -> None:  # fmt: skip
    for k in range(which.size):
        row = which[k]
        r = rows[row]
        gone[k] = r.seen_s == 0
        size = np.int64(0)
        if not gone[k]:
            size = np.int64(_ROW + _MORE if r.more else _ROW)
        key_ends[k + 1] = key_ends[k] + key_start[row + 1] - key_start[row]
        value_ends[k + 1] = value_ends[k] + size


@njit
def _write(
    rows: NDArray[np.uint8], more: NDArray[np.uint8], places: Any, arena: NDArray[np.uint8],
    key_start: NDArray[np.int64], which: NDArray[np.int32], keys: NDArray[np.uint8], values: NDArray[np.uint8],
    value_ends: NDArray[np.int64],
) -> None:  # fmt: skip
    key_at = np.uint64(0)  # an unsigned index is not looked at for counting from the end
    for k in range(which.size):
        row = which[k]
        for i in range(key_start[row], key_start[row + 1]):
            keys[key_at] = arena[i]
            key_at += np.uint64(1)
        at, size = np.uint64(value_ends[k]), value_ends[k + 1] - value_ends[k]
        if size == 0:
            continue
        for i in range(_ROW):
            values[at + np.uint64(i)] = rows[row, i]
        for i in range(_PLACE, _PLACE_END):  # where it lies beside the row is nobody else's matter
            values[at + np.uint64(i)] = 0
        if size > _ROW:
            at += np.uint64(_ROW)
            place = places[row]
            for i in range(_MORE):
                values[at + np.uint64(i)] = more[place, i]


def as_bytes(records: NDArray[np.void]) -> NDArray[np.uint8]:
    """Records as plain bytes, a line each: NumPy copies records field by field, forty times slower."""
    return records.view(np.uint8).reshape(-1, records.itemsize)
