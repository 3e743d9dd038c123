"""A row on which what falls due fails: found, so that it can be put to rest and the others go on.

Owns: telling such a failure from one of an event, and the rest: until the customer's next event nothing falls due.
Without it every later event would fail, as each lets the row fall due again, and take the partition down for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from stream.core.row import NEVER_MS, NEVER_S
from stream.core.table import CustomerTable
from stream.core.views import C, Note


class DueError(Exception):
    """What fell due of a customer failed; `key` is their id as it is in the changelog."""

    def __init__(self, key: bytes) -> None:
        """The text names nobody: it is logged."""
        super().__init__("what fell due of a customer failed")
        self.key = key


@contextmanager
def in_kernel(table: CustomerTable, heap: NDArray[np.int64], clock: NDArray[np.int64]) -> Iterator[None]:
    """Raise DueError where a row was falling due: taken off the heap, it is not yet due at another time."""
    try:
        yield
    except Exception as error:
        n = int(clock[C.HEAP_N])
        due_ms, row = heap[n].tolist() if n < len(heap) else (NEVER_MS, -1)
        fired = 0 <= row < table.n and due_ms <= clock[C.ALERT] and table.due_ms[row] == due_ms
        if clock[C.FIRED] and fired:
            raise DueError(table.key(row)) from error
        raise


@contextmanager
def of_note(table: CustomerTable, note: Note, rows: NDArray[np.int32] | None) -> Iterator[None]:
    """Raise DueError where a note can't be told that is of no event's row: it fell due."""
    try:
        yield
    except Exception as error:
        if rows is not None and note["row"] in rows:
            raise
        raise DueError(table.key(int(note["row"]))) from error


def rest(table: CustomerTable, key: bytes) -> bool:
    """Let nothing fall due of a customer until their next event; whether something would have."""
    row = table.row_of(key.decode())
    if row is None or table.due_ms[row] == NEVER_MS:
        return False
    table.rows["due_s"][row] = NEVER_S
    table.due_ms[row] = NEVER_MS
    table.note_change(row)
    return True
