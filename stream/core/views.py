"""What the compiled functions are handed: rows, clock, events and rules as flat arrays.

Owns: the names of those arrays and of the places in the clock. No behaviour.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stream.core.kinds import Kind
from stream.core.policy import MOST_SEGMENTS
from stream.core.pulse import Pulse
from stream.core.row import MORE, ROW, SIGNS
from stream.core.silence import SilenceParams

PRIORITIES = 4  # of a ticket

# what happened to a customer's alert, when, and the greatest event time by then
# and the row as it was then, with what it had beside it
NOTE = np.dtype(
    [
        ("what", "u1"), ("sign", "u1"), ("row", "i4"), ("time_s", "u4"), ("seen_ms", "i8"), ("was", ROW),
        ("beside", MORE),
    ]
)  # fmt: skip

Note: TypeAlias = Any  # one record of NOTE


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
    MORE_N: int = 14  # places taken in `Store.more`


C = Clock()


_KINDS = len(Kind) + 1
# what the policy says, by Kind, by Sign, and of single signs: one record, as a tuple of arrays is dear to compile
RULE = np.dtype(
    [
        ("qualifies", "u4", _KINDS),  # bit of each segment
        ("purchase", "u1", _KINDS),
        ("engages", "u1", _KINDS),
        ("contacts", "u1", _KINDS),
        ("more", "u1", _KINDS),  # whether it may need a place in `Store.more`
        ("tracking_default", "u1"),  # bits
        ("enabled", "u1", SIGNS),
        ("behavioural", "u1", SIGNS),
        ("horizon_s", "i8", SIGNS),
        ("cooldown_days", "i8", SIGNS),
        ("sign_hash", "i8", SIGNS),  # of its name >> 1, as alert_muted says it
        ("usual_gap_days", "f8"),  # of the population: purchases
        ("rarer", "f8"),  # CUSUM of gaps from which purchases are too rare
        ("min_gaps", "i8"),
        ("spend_share", "f8"),  # of the usual spend
        ("min_orders", "i8"),
        ("engage_usual_gap_days", "f8"),
        ("engage_rarer", "f8"),
        ("engage_share", "f8"),
        ("engage_min_gaps", "i8"),
        ("activation_uses", "i8"),
        ("activation_s", "i8"),
        ("complaints", "i8"),
        ("complaint_days", "i8"),
        ("target_s", "i8", PRIORITIES),  # of a ticket
        ("plan_cut", "f8"),  # share of MRR
        ("patience_s", "i8"),  # from a charge that failed to the sign
        ("unsubscribe", "u1"),
        ("notice_s", "i8"),  # before the end of a term
        ("idle_days", "i8"),  # without use by then
        ("slow_ms", "i8"),
        ("bad_loads", "f8"),
        ("bad_share", "f8"),
        ("left", "f8"),  # carts left and orders given back, faded
        ("neglect_s", "i8"),
        ("neglect_revenue", "i8"),
        ("acceptable_share", "f8"),  # cost to serve above this share of the margin, 0 never: no alert at all
        ("margin", "f8"),
        ("segment_odds", "f8", MOST_SEGMENTS),  # of P(none): what they are multiplied by
    ]
)

Rule: TypeAlias = Any  # one record of RULE


class Rules(NamedTuple):
    """What the kernel needs of the policy."""

    silence: SilenceParams
    of: Rule


class Events(NamedTuple):
    """The columns of a batch that the kernel reads, and each event's row and business day."""

    kind: NDArray[np.uint8]
    time_ms: NDArray[np.int64]
    day: NDArray[np.int32]
    until_day: NDArray[np.int32]  # business day of x where x is an instant
    row: NDArray[np.int32]
    event_hash: NDArray[np.uint64]
    segment: NDArray[np.int16]
    variant: NDArray[np.uint8]
    amount: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    ref: NDArray[np.uint64]
    live: NDArray[np.uint8]  # 1 where the record came when its event happened (definitions T9)
    too_late: NDArray[np.uint8]  # is set to 1 where nothing came of it


class FlowView(NamedTuple):
    """The flows of the days that are not final, and what tells where an event counts."""

    values: NDArray[np.int64]  # (slot, group, measure); the slot of a day is day % slots
    day: NDArray[np.int64]  # by slot, NO_DAY for a free one
    dirty: NDArray[np.uint8]  # (slot, group): changed since it was last written
    starts_s: NDArray[np.int64]  # by day: its first second
    first: NDArray[np.int64]  # one: days before are not counted
    exit_reasons: NDArray[np.int64]  # hashes
    reward_reasons: NDArray[np.int64]
    months: NDArray[np.int64]  # by day: its month


class Store(NamedTuple):
    """The table's columns, the heap of what is due, and room for what the loop has to say.

    Each array here makes every function that is handed them slower to compile: it is seven numbers to LLVM.
    """

    rows: NDArray[np.void]
    more: NDArray[np.void]
    hashes: NDArray[np.uint64]  # of the rows' customers
    due_ms: NDArray[np.int64]
    dirty: NDArray[np.uint8]
    changed: NDArray[np.int32]
    arena: NDArray[np.uint8]
    key_start: NDArray[np.int64]
    heap: NDArray[np.int64]  # (due in ms, row)
    notes: NDArray[np.void]  # of NOTE
    episodes: NDArray[np.int64]  # by Sign: the episode day of an alert that is asked for
    pulse: Pulse
