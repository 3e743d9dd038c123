"""The customer rows of one partition, in columns, and the index that finds them.

Owns: the layout of a row (which is also its changelog record, byte for byte), the `customer_id → row` index, and
which rows have changed. What the numbers in a row mean is the kernel's. Knows nothing of events, Kafka or the policy.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from stream.core.hashing import SEPARATOR, hash64, spans
from stream.jit import njit

NO_DAY = -(2**31)
NEVER_MS = 2**62
SUBSCRIPTIONS = 4  # told apart, with
SUBSCRIPTION_EVENTS = 3  # the last events of each
SEGMENT_CHANGES = 4
DUPLICATES = 8
ACTIVITY_DAYS = 256
OPEN_ENDED = 2**16 - 1  # the `until` day of a subscription without an end

Row: TypeAlias = Any  # one record of ROW: numpy.void outside compiled code, a numba record inside

# What every order touches comes first and together, so that it lies in four cache lines and not in six.
ROW = np.dtype(
    [
        ("consent", "u1"),  # bits of core.batch
        ("event_at", "u1"),  # next place in `events`
        ("segments_n", "u1"),
        ("transitions", "u1"),  # of the alert that is open, or was last
        ("reserved", "u1", 4),
        ("active_head", "i4"),  # the latest day in `active`
        ("first_day", "i4"),  # acquired (definitions R4)
        ("purchase_day", "i4"),  # the last one
        ("purchase_days", "u4"),
        ("orders", "u4"),
        ("episode_day", "i4"),
        ("segment", "u1", SEGMENT_CHANGES),
        ("subscription_n", "u1", SUBSCRIPTIONS),
        ("active", "u8", ACTIVITY_DAYS // 64),  # bit day % 256: qualifying activity that day
        ("events", "u8", DUPLICATES),  # hashes of the last accepted events
        ("first_ms", "i8"),
        ("seen_ms", "i8"),
        ("purchase_ms", "i8"),
        ("due_ms", "i8"),
        ("opened_ms", "i8"),  # of the open `silent` alert, 0 when none is
        ("gap_mean", "f8"),
        ("gap_square", "f8"),
        ("gap_weight", "f8"),
        ("revenue", "i8"),  # money in minor units
        ("refunded", "i8"),
        ("cost_to_serve", "i8"),
        ("acquisition_cost", "i8"),
        ("consent_s", "u4", 2),  # when marketing and tracking were last spoken of
        ("segment_s", "u4", SEGMENT_CHANGES),
        ("subscription", "u4", SUBSCRIPTIONS),  # low half of the id's hash
        ("subscription_s", "u4", SUBSCRIPTIONS * SUBSCRIPTION_EVENTS),
        ("subscription_until", "u2", SUBSCRIPTIONS * SUBSCRIPTION_EVENTS),
    ]
)

ROW_LAYOUT = zlib.crc32(repr(ROW.descr).encode())  # rows of another layout are never read by mistake

_FREE = -1

T = TypeVar("T", bound=np.generic)


@njit
def _find(
    arena: NDArray[np.uint8], key_start: NDArray[np.int64], slots: NDArray[np.int32], hashes: NDArray[np.uint64],
    keys: NDArray[np.uint8], start: int, stop: int, h: np.uint64,
) -> tuple[Any, Any]:  # fmt: skip
    """(row or _FREE, slot) of one key; linear probing, the hash first, then the bytes."""
    mask = slots.size - 1
    slot = np.int64(h) & mask
    while True:
        row = slots[slot]
        if row == _FREE:
            return _FREE, slot
        if hashes[row] == h and key_start[row + 1] - key_start[row] == stop - start:
            at = key_start[row]
            same = True
            for i in range(stop - start):
                if arena[at + i] != keys[start + i]:
                    same = False
                    break
            if same:
                return row, slot
        slot = (slot + 1) & mask


@njit
def _find_or_add(
    arena: NDArray[np.uint8], key_start: NDArray[np.int64], slots: NDArray[np.int32], hashes: NDArray[np.uint64],
    keys: NDArray[np.uint8], starts: NDArray[np.int64], key_hashes: NDArray[np.uint64],
    n_rows: int, out: NDArray[np.int32],
) -> int:  # fmt: skip
    for k in range(out.size):
        start, stop = starts[k], starts[k + 1] - 1
        if stop == start:  # clock_advanced has no customer
            out[k] = _FREE
            continue
        row, slot = _find(arena, key_start, slots, hashes, keys, start, stop, key_hashes[k])
        if row == _FREE:
            row = n_rows
            n_rows += 1
            slots[slot] = row
            hashes[row] = key_hashes[k]
            at = key_start[row]
            for i in range(stop - start):
                arena[at + i] = keys[start + i]
            key_start[row + 1] = at + stop - start
        out[k] = row
    return n_rows


@njit
def _reindex(slots: NDArray[np.int32], hashes: NDArray[np.uint64], n_rows: int) -> None:
    mask = slots.size - 1
    slots[:] = _FREE
    for row in range(n_rows):
        slot = np.int64(hashes[row]) & mask
        while slots[slot] != _FREE:
            slot = (slot + 1) & mask
        slots[slot] = row


@njit
def _gather(
    arena: NDArray[np.uint8], key_start: NDArray[np.int64], rows: NDArray[np.int64], out: NDArray[np.uint8]
) -> None:
    at = 0
    for row in rows:
        for i in range(key_start[row], key_start[row + 1]):
            out[at] = arena[i]
            at += 1


def _grown(array: NDArray[T], size: int, kept: int) -> NDArray[T]:
    """A larger copy; what is new stays untouched memory until it is used."""
    grown = np.zeros(size, array.dtype)
    # as plain bytes: NumPy copies records field by field, forty times slower
    grown.view(np.uint8)[: kept * array.itemsize] = array.view(np.uint8)[: kept * array.itemsize]
    return grown


class CustomerTable:
    """n rows of `ROW`; `due_ms` repeats the rows' column, contiguous, so that what is due is found at memory speed."""

    def __init__(self) -> None:
        self.n = 0
        self.rows = np.zeros(1024, ROW)
        self.due_ms = np.full(1024, NEVER_MS, np.int64)
        self.dirty = np.zeros(1024, np.uint8)
        self.changed = np.zeros(1024, np.int32)  # rows in the order of their first change
        self.changed_n = 0
        self.arena = np.zeros(16_384, np.uint8)  # the keys, one after the other
        self.key_start = np.zeros(1025, np.int64)
        self._hashes = np.zeros(1024, np.uint64)
        self._slots = np.full(4096, _FREE, np.int32)

    def rows_of(self, joined: bytes, starts: NDArray[np.int64], hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The row of each key (NUL-joined, see hashing.spans), new ones added; -1 for an empty key."""
        n = hashes.size
        self._reserve(n, len(joined))
        out = np.empty(n, np.int32)
        before = self.n
        self.n = _find_or_add(
            self.arena,
            self.key_start,
            self._slots,
            self._hashes,
            np.frombuffer(joined, np.uint8),
            starts,
            hashes,
            before,
            out,
        )
        self._give_birth(before, self.n)
        return out

    def row_of(self, customer_id: str) -> int | None:
        """The row of one customer, or None."""
        key = np.frombuffer(customer_id.encode(), np.uint8)
        if key.size == 0:
            return None
        h = np.uint64(hash64(key, 0, key.size))
        row, _ = _find(self.arena, self.key_start, self._slots, self._hashes, key, 0, key.size, h)
        return None if row == _FREE else int(row)

    def customer_id(self, row: int) -> str:
        """The id of the customer of a row."""
        return bytes(self.arena[self.key_start[row] : self.key_start[row + 1]]).decode()

    def take_changes(self) -> tuple[list[bytes], list[bytes]]:
        """Keys and bytes of the rows that changed since the last call."""
        rows = self.changed[: self.changed_n].astype(np.int64)
        ends = np.cumsum(self.key_start[rows + 1] - self.key_start[rows]).tolist()
        joined = np.empty(ends[-1] if ends else 0, np.uint8)
        _gather(self.arena, self.key_start, rows, joined)
        size = ROW.itemsize
        # plain bytes are gathered four times as fast as records
        values = self.rows.view(np.uint8).reshape(-1, size).take(rows, axis=0).tobytes()
        keys = joined.tobytes()
        self.dirty[rows] = 0
        self.changed_n = 0
        return (
            [keys[a:b] for a, b in pairwise([0, *ends])],
            [values[at : at + size] for at in range(0, len(values), size)],
        )

    def load(self, keys: Sequence[bytes], values: Iterable[bytes]) -> None:
        """Set rows from changelog records, in order: the last of a key wins."""
        joined = SEPARATOR.join(keys)
        rows = self.rows_of(joined, *spans(joined, len(keys)))
        size = ROW.itemsize
        # as plain bytes: NumPy copies records field by field
        self.rows.view(np.uint8).reshape(-1, size)[rows] = np.frombuffer(b"".join(values), np.uint8).reshape(-1, size)
        self.due_ms[rows] = self.rows["due_ms"][rows]

    def _give_birth(self, first: int, stop: int) -> None:
        new = self.rows[first:stop]
        for day in ("active_head", "first_day", "purchase_day", "episode_day"):
            new[day] = NO_DAY
        new["due_ms"] = NEVER_MS

    def _reserve(self, keys: int, key_bytes: int) -> None:
        need = self.n + keys
        if need > self.rows.size:
            size = max(need, self.rows.size * 2)
            self.rows = _grown(self.rows, size, self.n)
            self.dirty = _grown(self.dirty, size, self.n)
            self.changed = _grown(self.changed, size, self.changed_n)
            self._hashes = _grown(self._hashes, size, self.n)
            self.key_start = _grown(self.key_start, size + 1, self.n + 1)
            due_ms = np.full(size, NEVER_MS, np.int64)
            due_ms[: self.n] = self.due_ms[: self.n]
            self.due_ms = due_ms
        used = int(self.key_start[self.n])
        if used + key_bytes > self.arena.size:
            self.arena = _grown(self.arena, max(used + key_bytes, self.arena.size * 2), used)
        if need * 2 > self._slots.size:
            self._slots = np.full(1 << (need * 2).bit_length(), _FREE, np.int32)
            _reindex(self._slots, self._hashes, self.n)
