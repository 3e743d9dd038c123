"""The heap of rows that are due soon, by (due, customer id).

Owns: the order in which things fall due. An entry whose row is due at another time by now is stale; whoever takes it
sees that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.core.views import C, Store
from stream.jit import njit, whole


@njit
def _before(store: Store, i: int, j: int) -> Any:
    if store.heap[i, 0] != store.heap[j, 0]:
        return store.heap[i, 0] < store.heap[j, 0]
    a, b = store.heap[i, 1], store.heap[j, 1]
    at, bt = store.key_start[a], store.key_start[b]
    an, bn = store.key_start[a + 1] - at, store.key_start[b + 1] - bt
    for k in range(min(an, bn)):
        if store.arena[at + k] != store.arena[bt + k]:
            return store.arena[at + k] < store.arena[bt + k]
    return an < bn


@njit
def _swap(store: Store, i: int, j: int) -> None:
    for k in range(2):
        store.heap[i, k], store.heap[j, k] = store.heap[j, k], store.heap[i, k]


@njit
def push(store: Store, clock: NDArray[np.int64], row: int) -> None:
    """Put a row on the heap under its due of now; there must be room."""
    i = clock[C.HEAP_N]
    clock[C.HEAP_N] = i + 1
    store.heap[i, 0] = store.due_ms[row]
    store.heap[i, 1] = row
    while i > 0 and _before(store, i, (i - 1) // 2):
        _swap(store, i, (i - 1) // 2)
        i = (i - 1) // 2


@njit
def drop_top(store: Store, clock: NDArray[np.int64]) -> None:
    """Take away the first entry."""
    n = clock[C.HEAP_N] - 1
    clock[C.HEAP_N] = n
    _swap(store, whole(0), n)
    i = whole(0)
    while True:
        least = i
        for child in (2 * i + 1, 2 * i + 2):
            if child < n and _before(store, child, least):
                least = child
        if least == i:
            return
        _swap(store, i, least)
        i = least


@njit
def fill_heap(store: Store, clock: NDArray[np.int64], n_rows: int, until_ms: int) -> None:
    """Put every row due at or before `until_ms` on the heap, which must have room for n_rows."""
    clock[C.HEAP_N] = 0
    clock[C.HEAP_UNTIL] = until_ms
    for row in range(n_rows):
        if store.due_ms[row] <= until_ms:
            push(store, clock, row)
