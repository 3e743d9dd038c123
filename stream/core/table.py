"""The customer rows of one partition, in columns, and the index that finds them.

Owns: the `customer_id → row` index, and which rows have changed. Their layout is `core.row`'s, what the numbers in them
mean the kernel's. Knows nothing of events, Kafka or the policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from stream.core.hashing import SEPARATOR, hash64, spans
from stream.core.records import Records, as_bytes, of_rows
from stream.core.row import MORE, NEVER_MS, NEVER_S, NEWBORN, ROW, More
from stream.jit import njit, prefetch

_FREE = -1
_NO_ID = 0xFF  # no byte of UTF-8
# what is not used yet costs addresses, no memory; what is copied costs both
_GROWTH = 4
_FAST_GROWTH, _SMALL = 16, 100_000  # rows
_AHEAD = 8  # keys, for each of the three places that a look-up reads

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


@njit(inline=True)
def _look_ahead(
    key_start: NDArray[np.int64], arena: NDArray[np.uint8], slots: NDArray[np.int32], hashes: NDArray[np.uint64],
    key_hashes: NDArray[np.uint64], k: int,
) -> None:  # fmt: skip
    """Have fetched what the keys after the k-th will be compared with.

    Slot, hash and key lie each somewhere else, and each says where the next one is: of one key alone they would be
    waited for one after the other.
    """
    mask = slots.size - 1
    if k + 3 * _AHEAD < key_hashes.size:
        prefetch(slots, np.int64(key_hashes[k + 3 * _AHEAD]) & mask)
    if k + 2 * _AHEAD < key_hashes.size:
        row = slots[np.int64(key_hashes[k + 2 * _AHEAD]) & mask]
        prefetch(hashes, row)
        prefetch(key_start, row)
    if k + _AHEAD < key_hashes.size:
        row = slots[np.int64(key_hashes[k + _AHEAD]) & mask]
        if row != _FREE:
            prefetch(arena, key_start[row])


@njit
def _find_or_add(
    arena: NDArray[np.uint8], key_start: NDArray[np.int64], slots: NDArray[np.int32], hashes: NDArray[np.uint64],
    keys: NDArray[np.uint8], starts: NDArray[np.int64], key_hashes: NDArray[np.uint64],
    n_rows: int, out: NDArray[np.int32],
) -> int:  # fmt: skip
    for k in range(out.size):
        _look_ahead(key_start, arena, slots, hashes, key_hashes, k)
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
        at += 1


def _grown(array: NDArray[T], size: int, kept: int) -> NDArray[T]:
    """A larger copy; what is new stays untouched memory until it is used."""
    grown = np.zeros(size, array.dtype)
    # as plain bytes: NumPy copies records field by field, forty times slower
    grown.view(np.uint8)[: kept * array.itemsize] = array.view(np.uint8)[: kept * array.itemsize]
    return grown


class CustomerTable:
    """n rows of `ROW`; `due_ms` repeats the rows' `due_s`, contiguous, so that what is due is found at memory speed."""

    def __init__(self) -> None:
        self.n = 0
        self.rows = np.zeros(1024, ROW)
        self.more = np.zeros(64, MORE)
        self.more_n = 1  # place 0 is the blank one
        self.due_ms = np.zeros(1024, np.int64)
        self.dirty = np.zeros(1024, np.uint8)
        self.changed = np.zeros(1024, np.int32)  # rows in the order of their first change
        self.changed_n = 0
        self.arena = np.zeros(16_384, np.uint8)  # the keys, one after the other
        self.key_start = np.zeros(1025, np.int64)
        self.hashes = np.zeros(1024, np.uint64)
        self._slots = np.full(4096, _FREE, np.int32)

    def rows_of(self, joined: bytes, starts: NDArray[np.int64], hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The row of each key (NUL-joined, see hashing.spans), new ones added; -1 for an empty key."""
        n = hashes.size
        self._reserve(n, len(joined))
        out = np.empty(n, np.int32)
        before = self.n
        self.n = _find_or_add(
            self.arena, self.key_start, self._slots, self.hashes, np.frombuffer(joined, np.uint8), starts, hashes,
            before, out,
        )  # fmt: skip
        if self.n > before:
            as_bytes(self.rows)[before : self.n] = as_bytes(NEWBORN)[0]
            self.due_ms[before : self.n] = NEVER_MS
        return out

    def row_of(self, customer_id: str) -> int | None:
        """The row of one customer, or None."""
        key = np.frombuffer(customer_id.encode(), np.uint8)
        if key.size == 0:
            return None
        h = np.uint64(hash64(key, 0, key.size))
        row, _ = _find(self.arena, self.key_start, self._slots, self.hashes, key, 0, key.size, h)
        return None if row == _FREE else int(row)

    def keys_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The keys of rows one after the other, each followed by a NUL."""
        size = int((self.key_start[rows + 1] - self.key_start[rows]).sum()) + rows.size
        joined = np.zeros(size, np.uint8)
        _gather(self.arena, self.key_start, rows, joined)
        return joined

    def key(self, row: int) -> bytes:
        """The id of the customer of a row, as it is in the changelog."""
        return bytes(self.arena[self.key_start[row] : self.key_start[row + 1]])

    def customer_id(self, row: int) -> str:
        """The id of the customer of a row."""
        return self.key(row).decode()

    def more_of(self, row: int) -> More:
        """What a customer has beside the row."""
        return self.more[self.rows["more"][row]]

    def reserve_more(self, places: int) -> None:
        """Make room for so many rows that have nothing beside them yet."""
        if self.more_n + places > self.more.size:
            self.more = _grown(self.more, max(self.more_n + places, self.more.size * 2), self.more_n)

    def take_changes(self, most: int | None = None) -> Records:
        """Records of rows that changed and were not taken yet, `most` at once; who is gone is forgotten here too."""
        first = 0 if most is None else max(self.changed_n - most, 0)
        rows = self.changed[first : self.changed_n]
        taken = of_rows(self.rows, self.more, self.arena, self.key_start, rows)
        for row in rows[taken.gone].tolist():
            self._remove(row)
        self.dirty[rows] = 0
        self.changed_n = first
        return taken

    def _remove(self, row: int) -> None:
        """Forget who the customer was: no id has these bytes, so that the row is never found again."""
        self.arena[self.key_start[row] : self.key_start[row + 1]] = _NO_ID
        self.hashes[row] = 0

    def wipe(self, row: int) -> None:
        """Forget everything of a customer; the row is a change, as which it is gone."""
        self.more[self.rows["more"][row]] = self.more[0]
        self.rows[row] = NEWBORN[0]
        self.due_ms[row] = NEVER_MS
        self.note_change(row)

    def note_change(self, row: int) -> None:
        """Remember that a row is not what the changelog has."""
        if not self.dirty[row]:
            self.dirty[row] = 1
            self.changed[self.changed_n] = row
            self.changed_n += 1

    def drop(self, keys: Sequence[bytes]) -> None:
        """Forget customers whose changelog says that they are gone."""
        for key in keys:
            row = self.row_of(key.decode())
            if row is not None:
                self.wipe(row)
                self._remove(row)
                self.dirty[row] = 0
                self.changed_n -= 1

    def load(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Set rows from changelog records, each key once: a ROW, and a MORE where there is one."""
        joined = SEPARATOR.join(keys)
        rows = self.rows_of(joined, *spans(joined, len(keys)))
        size = ROW.itemsize
        places = self.rows["more"][rows]
        # as plain bytes: NumPy copies records field by field
        data = b"".join(values)
        alone = len(data) == size * len(values)  # most restores of a shop: nothing beside the rows
        if not alone:
            data = b"".join([value[:size] for value in values])
        as_bytes(self.rows)[rows] = np.frombuffer(data, np.uint8).reshape(-1, size)
        if not alone or places.any():
            self._load_more(places, values)
        self.rows["more"][rows] = places
        self.take_dues(rows)

    def take_dues(self, rows: NDArray[Any]) -> None:
        """Repeat in `due_ms` what rows that were set say."""
        due_s = self.rows["due_s"][rows].astype(np.int64)
        self.due_ms[rows] = np.where(due_s == NEVER_S, NEVER_MS, due_s * 1000)

    def _load_more(self, places: NDArray[np.uint32], values: Sequence[bytes]) -> None:
        """Set what there is beside loaded rows; `places` are theirs, and get those that they have from now on."""
        size = ROW.itemsize
        self.reserve_more(len(values))
        for i, value in enumerate(values):
            if len(value) > size:
                if places[i] == 0:
                    places[i] = self.more_n
                    self.more_n += 1
                self.more[places[i]] = np.frombuffer(value, MORE, 1, size)[0]
            elif places[i]:
                self.more[places[i]] = self.more[0]

    def _reserve(self, keys: int, key_bytes: int) -> None:
        need = self.n + keys
        if need > self.rows.size:
            size = max(
                need + need // 4, self.rows.size * (_FAST_GROWTH if self.rows.size < _SMALL else _GROWTH)
            )  # a restored table gets newcomers soon
            self.rows = _grown(self.rows, size, self.n)
            self.dirty = _grown(self.dirty, size, self.n)
            self.changed = _grown(self.changed, size, self.changed_n)
            self.hashes = _grown(self.hashes, size, self.n)
            self.key_start = _grown(self.key_start, size + 1, self.n + 1)
            self.due_ms = _grown(self.due_ms, size, self.n)
        used = int(self.key_start[self.n])
        if used + key_bytes > self.arena.size:
            self.arena = _grown(self.arena, max((used + key_bytes) * 5 // 4, self.arena.size * 2), used)
        if need * 2 > self._slots.size:
            self._slots = np.full(1 << (need * 2).bit_length(), _FREE, np.int32)
            _reindex(self._slots, self.hashes, self.n)
