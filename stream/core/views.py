"""What the compiled functions are handed: rows, clock, events and rules as flat arrays.

Owns: the names of those arrays and of the places in the clock. No behaviour.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.silence import SilenceParams

# what happened to a row, when, and the greatest event time by then
NOTE = np.dtype([("what", "i4"), ("row", "i4"), ("time_ms", "i8"), ("seen_ms", "i8")])


class Clock(NamedTuple):
    """Places in the clock, an int64 array: times in ms, days as numbers."""

    MAX: int = 0  # M: the greatest event time
    ALERT: int = 1  # A (more than M − grace once the wall clock is followed)
    GRACE: int = 2
    LATENESS: int = 3
    BORDER: int = 4  # A at which the loop has to stop
    FIRST_DAY: int = 5  # of the earliest event of a customer
    OPEN_DAY: int = 6  # the first day that is not closed
    LATE_CHANGE: int = 7  # 1 when an event changed a closed day
    HEAP_N: int = 8
    HEAP_UNTIL: int = 9  # rows due up to here are on the heap
    NOTES_N: int = 10
    CHANGED_N: int = 11
    DUPLICATES: int = 12
    FIRED: int = 13  # timers in this step


C = Clock()


class Rules(NamedTuple):
    """What the kernel needs of the policy."""

    silence: SilenceParams
    qualifies: NDArray[np.uint8]  # by Kind
    purchase: NDArray[np.uint8]  # by Kind
    tracking_default: int  # bits


class Events(NamedTuple):
    """The columns of a batch that the kernel reads, and each event's row and business day."""

    kind: NDArray[np.uint8]
    time_ms: NDArray[np.int64]
    day: NDArray[np.int32]
    until_day: NDArray[np.int32]  # business day of x where x is an instant
    row: NDArray[np.int32]
    event_hash: NDArray[np.uint64]
    segment: NDArray[np.int16]
    amount: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    ref: NDArray[np.uint64]


class FlowView(NamedTuple):
    """The flows of the days that are not final, and what tells where an event counts."""

    values: NDArray[np.int64]  # (slot, group, measure); the slot of a day is day % slots
    day: NDArray[np.int64]  # by slot, NO_DAY for a free one
    dirty: NDArray[np.uint8]  # (slot, group): changed since it was last written
    starts_s: NDArray[np.int64]  # by day: its first second
    first: NDArray[np.int64]  # one: days before are not counted
    exit_reasons: NDArray[np.int64]  # hashes
    reward_reasons: NDArray[np.int64]


class Store(NamedTuple):
    """The table's columns, the heap of what is due, and room for what the loop has to say."""

    rows: NDArray[np.void]
    due_ms: NDArray[np.int64]
    dirty: NDArray[np.uint8]
    changed: NDArray[np.int32]
    arena: NDArray[np.uint8]
    key_start: NDArray[np.int64]
    heap_ms: NDArray[np.int64]
    heap_row: NDArray[np.int32]
    notes: NDArray[np.void]
    noted: NDArray[np.void]  # the row as it was when the note was made
    too_late: NDArray[np.uint8]
    flows: FlowView
