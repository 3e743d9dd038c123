"""The one loop: events in offset order, and between them whatever falls due.

Owns: what an event does to a customer row (definitions T, S, R, A) and in which order things happen. Compiled by numba; with
NUMBA_DISABLE_JIT=1 it is plain Python. It stops before anything that needs more than rows: the end of a day, too many timers.
Knows nothing of JSON, Kafka, text or the wall clock.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from stream.core import batch as columns
from stream.core.calendar import DAY_MS, HOUR_MS
from stream.core.events import Kind
from stream.core.silence import NEVER_DAYS, SilenceParams, add_gap, fires_after_days
from stream.core.table import (
    ACTIVITY_DAYS,
    DUPLICATES,
    NEVER_MS,
    NO_DAY,
    OPEN_ENDED,
    SEGMENT_CHANGES,
    SUBSCRIPTION_EVENTS,
    SUBSCRIPTIONS,
)

TIMER_LIMIT = 5_000  # rows that may fall due in one step (definitions T5)

# why the loop stopped
DONE, BORDER, TIMERS, FIRST_DAY = range(4)
# what happened to a row that a person should hear of
OPENED, RETURNED, RETRACTED, CHURNED = range(4)

PROFILE_UPDATED = int(Kind.profile_updated)
ORDER_COMPLETED = int(Kind.order_completed)
ORDER_REFUNDED = int(Kind.order_refunded)
CLOCK_ADVANCED = int(Kind.clock_advanced)
SERVICE_COST = int(Kind.service_cost)
CONSENT_CHANGED = int(Kind.consent_changed)
UNSUBSCRIBED = int(Kind.unsubscribed)
SUBSCRIPTION_STARTED = int(Kind.subscription_started)
SUBSCRIPTION_RENEWED = int(Kind.subscription_renewed)
SUBSCRIPTION_CHANGED = int(Kind.subscription_changed)
SUBSCRIPTION_CANCELLED = int(Kind.subscription_cancelled)

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


@numba.njit(cache=True)
def next_hour_ms(time_ms: int) -> int:
    """The full hour (UTC) after an instant: when late changes are published, at most once an hour of the alert clock."""
    return (time_ms // HOUR_MS + 1) * HOUR_MS


# -- the heap of due rows: (due, customer id), entries whose row has another due by now are stale --------------------


@numba.njit(cache=True)
def _before(store: Store, i: int, j: int) -> bool:
    if store.heap_ms[i] != store.heap_ms[j]:
        return store.heap_ms[i] < store.heap_ms[j]
    a, b = store.heap_row[i], store.heap_row[j]
    at, bt = store.key_start[a], store.key_start[b]
    an, bn = store.key_start[a + 1] - at, store.key_start[b + 1] - bt
    for k in range(min(an, bn)):
        if store.arena[at + k] != store.arena[bt + k]:
            return store.arena[at + k] < store.arena[bt + k]
    return an < bn


@numba.njit(cache=True)
def _swap(store: Store, i: int, j: int) -> None:
    store.heap_ms[i], store.heap_ms[j] = store.heap_ms[j], store.heap_ms[i]
    store.heap_row[i], store.heap_row[j] = store.heap_row[j], store.heap_row[i]


@numba.njit(cache=True)
def _push(store: Store, clock: NDArray[np.int64], row: int) -> None:
    i = clock[C.HEAP_N]
    clock[C.HEAP_N] = i + 1
    store.heap_ms[i] = store.due_ms[row]
    store.heap_row[i] = row
    while i > 0 and _before(store, i, (i - 1) // 2):
        _swap(store, i, (i - 1) // 2)
        i = (i - 1) // 2


@numba.njit(cache=True)
def _drop_top(store: Store, clock: NDArray[np.int64]) -> None:
    n = clock[C.HEAP_N] - 1
    clock[C.HEAP_N] = n
    _swap(store, 0, n)
    i = 0
    while True:
        least = i
        for child in (2 * i + 1, 2 * i + 2):
            if child < n and _before(store, child, least):
                least = child
        if least == i:
            return
        _swap(store, i, least)
        i = least


@numba.njit(cache=True)
def fill_heap(store: Store, clock: NDArray[np.int64], n_rows: int, until_ms: int) -> None:
    """Put every row due at or before `until_ms` on the heap, which must have room for n_rows."""
    clock[C.HEAP_N] = 0
    clock[C.HEAP_UNTIL] = until_ms
    for row in range(n_rows):
        if store.due_ms[row] <= until_ms:
            _push(store, clock, row)


# -- what happens to a row ----------------------------------------------------------------------------------------
#
# What `apply` calls for each event is inlined by force: a call copies `Store` and `Events`, which doubled the cost of an event.



@numba.njit(cache=True, forceinline=True)
def _changed(store: Store, clock: NDArray[np.int64], row: int) -> None:
    if store.dirty[row] == 0:
        store.dirty[row] = 1
        store.changed[clock[C.CHANGED_N]] = row
        clock[C.CHANGED_N] += 1


@numba.njit(cache=True, forceinline=True)
def _set_due(store: Store, clock: NDArray[np.int64], row: int, due_ms: int) -> None:
    if store.due_ms[row] == due_ms:
        return
    store.due_ms[row] = due_ms
    store.rows[row].due_ms = due_ms
    if due_ms <= clock[C.HEAP_UNTIL]:
        _push(store, clock, row)


@numba.njit(cache=True)
def _note(store: Store, clock: NDArray[np.int64], row: int, what: int, time_ms: int) -> None:
    n = clock[C.NOTES_N]
    clock[C.NOTES_N] = n + 1
    note = store.notes[n]
    note.what = what
    note.row = row
    note.time_ms = time_ms
    note.seen_ms = clock[C.ALERT] + clock[C.GRACE]
    store.noted[n] = store.rows[row]


@numba.njit(cache=True)
def _fire(store: Store, clock: NDArray[np.int64], row: int, rules: Rules) -> None:
    """What a row does when it falls due: open the alert, or give the customer up (definitions A4, A5)."""
    r = store.rows[row]
    due_ms = r.due_ms
    horizon_ms = np.int64(rules.silence.horizon_days) * DAY_MS
    _changed(store, clock, row)
    if r.opened_ms != 0:
        r.transitions += 1
        _note(store, clock, row, CHURNED, due_ms)
        r.opened_ms = 0
        _set_due(store, clock, row, NEVER_MS)
        return
    tracking = r.consent if r.consent & columns.TRACKING_KNOWN else rules.tracking_default
    if tracking & columns.TRACKING == 0:
        _set_due(store, clock, row, NEVER_MS)
        return
    r.opened_ms = due_ms
    r.episode_day = r.purchase_day
    r.transitions = 1
    _note(store, clock, row, OPENED, due_ms)
    _set_due(store, clock, row, due_ms + horizon_ms)


@numba.njit(cache=True, forceinline=True)
def _is_duplicate(r: np.void, event_hash: np.uint64) -> bool:
    """Whether the event is among the last ones of this customer; if not, it is from now on (definitions T7)."""
    for k in range(DUPLICATES):
        if r.events[k] == event_hash:
            return True
    r.events[r.event_at] = event_hash
    r.event_at = (r.event_at + 1) % DUPLICATES
    return False


@numba.njit(cache=True, forceinline=True)
def _set_active(r: np.void, day: int) -> None:
    """Remember qualifying activity on a day, 256 days back from the latest such day (definitions R1)."""
    head = r.active_head
    if head == NO_DAY or day - head >= ACTIVITY_DAYS:
        for w in range(ACTIVITY_DAYS // 64):
            r.active[w] = np.uint64(0)
        r.active_head = day
    elif day > head:
        for d in range(head + 1, day + 1):
            bit = d % ACTIVITY_DAYS
            r.active[bit // 64] &= ~(np.uint64(1) << np.uint64(bit % 64))
        r.active_head = day
    elif head - day >= ACTIVITY_DAYS:
        return
    bit = day % ACTIVITY_DAYS
    r.active[bit // 64] |= np.uint64(1) << np.uint64(bit % 64)


@numba.njit(cache=True)
def _observe_segment(r: np.void, time_s: int, code: int) -> None:
    """Keep the last changes of segment in order of time (definitions S2)."""
    n = np.int64(r.segments_n)
    at = n  # the first change after this observation
    while at > 0 and r.segment_s[at - 1] > time_s:
        at -= 1
    if at > 0 and r.segment_s[at - 1] == time_s:
        r.segment[at - 1] = code
        return
    in_force = at - 1 if at > 0 else 0
    if n > 0 and r.segment[in_force] == code:
        return
    if n == SEGMENT_CHANGES:
        if at == 0:
            return  # older than all that is kept
        for k in range(n - 1):
            r.segment[k] = r.segment[k + 1]
            r.segment_s[k] = r.segment_s[k + 1]
        n -= 1
        at -= 1
    for k in range(n, at, -1):
        r.segment[k] = r.segment[k - 1]
        r.segment_s[k] = r.segment_s[k - 1]
    r.segment[at] = code
    r.segment_s[at] = time_s
    r.segments_n = n + 1


@numba.njit(cache=True)
def _subscription_slot(r: np.void, ref: np.uint32) -> int:
    """The place of this subscription: its own, a free one, or the one whose last event is the oldest."""
    oldest = 0
    for k in range(SUBSCRIPTIONS):
        if r.subscription_n[k] == 0 or r.subscription[k] == ref:
            if r.subscription_n[k] == 0:
                r.subscription[k] = ref
            return k
        last = k * SUBSCRIPTION_EVENTS + r.subscription_n[k] - 1
        if r.subscription_s[last] < r.subscription_s[oldest * SUBSCRIPTION_EVENTS + r.subscription_n[oldest] - 1]:
            oldest = k
    r.subscription[oldest] = ref
    r.subscription_n[oldest] = 0
    return oldest


@numba.njit(cache=True)
def _subscription(r: np.void, ref: np.uint64, time_s: int, until_day: int) -> None:
    """Until when the subscription lives, as seen from `time_s` (definitions R2)."""
    slot = _subscription_slot(r, np.uint32(ref & np.uint64(0xFFFFFFFF)))
    first = slot * SUBSCRIPTION_EVENTS
    n = np.int64(r.subscription_n[slot])
    at = n
    while at > 0 and r.subscription_s[first + at - 1] > time_s:
        at -= 1
    if n == SUBSCRIPTION_EVENTS:
        if at == 0:
            return
        for k in range(first, first + n - 1):
            r.subscription_s[k] = r.subscription_s[k + 1]
            r.subscription_until[k] = r.subscription_until[k + 1]
        n -= 1
        at -= 1
    for k in range(first + n, first + at, -1):
        r.subscription_s[k] = r.subscription_s[k - 1]
        r.subscription_until[k] = r.subscription_until[k - 1]
    r.subscription_s[first + at] = time_s
    r.subscription_until[first + at] = until_day
    r.subscription_n[slot] = n + 1


@numba.njit(cache=True, forceinline=True)
def _until_day(e: Events, i: int) -> int:
    """The day at whose end a subscription is no longer live, as its event i says."""
    has_end = e.x[i] != columns.NONE
    if e.kind[i] == SUBSCRIPTION_CANCELLED:
        return e.until_day[i] if has_end and e.x[i] > e.time_ms[i] else e.day[i]
    return e.until_day[i] if has_end and e.y[i] == 0 else OPEN_ENDED


@numba.njit(cache=True, forceinline=True)
def _purchase(store: Store, clock: NDArray[np.int64], row: int, time_ms: int, day: int, rules: Rules) -> None:
    """A purchase: the gap it ends, the alert it resolves, the silence from which the next one counts (A2, A3, A5)."""
    r = store.rows[row]
    if r.purchase_day != NO_DAY and day < r.purchase_day:
        return  # late: the gaps are not rewritten
    if day == r.purchase_day:
        moved_ms = max(time_ms, r.purchase_ms) - r.purchase_ms
        r.purchase_ms += moved_ms
        if r.opened_ms == 0 and r.due_ms != NEVER_MS:
            _set_due(store, clock, row, r.due_ms + moved_ms)
        return
    if r.opened_ms != 0:
        r.transitions += 1
        _note(store, clock, row, RETURNED if time_ms > r.opened_ms else RETRACTED, time_ms)
        r.opened_ms = 0
    s = rules.silence
    if r.purchase_day != NO_DAY:
        m, q, w = add_gap(float(day - r.purchase_day), r.gap_mean, r.gap_square, r.gap_weight, s.memory)
        r.gap_mean = m
        r.gap_square = q
        r.gap_weight = w
    r.purchase_day = day
    r.purchase_ms = time_ms
    r.purchase_days += 1
    days = fires_after_days(r.gap_mean, r.gap_square, r.gap_weight, np.int64(r.purchase_days), s)
    _set_due(store, clock, row, NEVER_MS if days == NEVER_DAYS else time_ms + days * DAY_MS)


@numba.njit(cache=True, forceinline=True)
def _consent(r: np.void, time_s: int, bits: int) -> None:
    """The latest word on each kind of consent counts, by event time (definitions C1)."""
    if bits == columns.NONE:
        return
    for kind in range(2):
        mask = (columns.MARKETING_KNOWN | columns.MARKETING) << (2 * kind)
        if bits & mask and time_s >= r.consent_s[kind]:
            r.consent_s[kind] = time_s
            r.consent = (r.consent & ~mask) | (bits & mask)


@numba.njit(cache=True, forceinline=True)
def _totals(r: np.void, kind: int, amount: int) -> None:
    if kind == ORDER_COMPLETED:
        r.orders += 1
        r.revenue += amount
    elif kind == ORDER_REFUNDED:
        r.refunded += amount
    elif kind == SERVICE_COST:
        r.cost_to_serve += amount
    elif kind == PROFILE_UPDATED and amount != columns.NONE:
        r.acquisition_cost = amount


@numba.njit(cache=True, forceinline=True)
def _take(store: Store, clock: NDArray[np.int64], e: Events, i: int, rules: Rules) -> None:
    """Apply event i, which is in time, to its customer's row."""
    kind, time_ms, day, row = e.kind[i], e.time_ms[i], e.day[i], e.row[i]
    r = store.rows[row]
    if _is_duplicate(r, e.event_hash[i]):
        clock[C.DUPLICATES] += 1
        return
    _changed(store, clock, row)
    r.first_ms = time_ms if r.first_ms == 0 else min(r.first_ms, time_ms)
    r.seen_ms = max(r.seen_ms, time_ms)
    if day < clock[C.OPEN_DAY] and clock[C.LATE_CHANGE] == 0:
        clock[C.LATE_CHANGE] = 1
        clock[C.BORDER] = min(clock[C.BORDER], next_hour_ms(clock[C.ALERT]))
    time_s = time_ms // 1000
    if e.segment[i] != columns.NONE:
        _observe_segment(r, time_s, e.segment[i])
    _totals(r, kind, e.amount[i])
    if kind in (PROFILE_UPDATED, CONSENT_CHANGED, UNSUBSCRIBED):
        _consent(r, time_s, e.x[i])
    lives = kind in (SUBSCRIPTION_STARTED, SUBSCRIPTION_RENEWED, SUBSCRIPTION_CHANGED)
    if lives or kind == SUBSCRIPTION_CANCELLED:
        _subscription(r, e.ref[i], time_s, _until_day(e, i))
    if rules.qualifies[kind]:
        _set_active(r, day)
    if (rules.qualifies[kind] or lives) and (r.first_day == NO_DAY or day < r.first_day):
        r.first_day = day
    if rules.purchase[kind]:
        _purchase(store, clock, row, time_ms, day, rules)


# -- the loop -----------------------------------------------------------------------------------------------------


@numba.njit(cache=True)
def advance(store: Store, clock: NDArray[np.int64], to_ms: int, rules: Rules) -> int:
    """Let everything fall due up to A = `to_ms`, the end of a day at most. Returns DONE, BORDER or TIMERS."""
    stop_ms = min(to_ms, clock[C.BORDER])
    while clock[C.HEAP_N] > 0 and store.heap_ms[0] <= stop_ms:
        if clock[C.FIRED] >= TIMER_LIMIT:
            return TIMERS
        due_ms, row = store.heap_ms[0], store.heap_row[0]
        _drop_top(store, clock)
        if store.due_ms[row] == due_ms:
            clock[C.ALERT] = max(clock[C.ALERT], due_ms)
            clock[C.FIRED] += 1
            _fire(store, clock, row, rules)
    clock[C.ALERT] = max(clock[C.ALERT], stop_ms)
    return BORDER if stop_ms < to_ms or to_ms == clock[C.BORDER] else DONE


@numba.njit(cache=True)
def apply(
    store: Store, clock: NDArray[np.int64], e: Events, start: int, stop: int, rules: Rules
) -> tuple[int, int]:
    """Apply events start…stop. Returns (why it stopped, the first event not done)."""
    for i in range(start, stop):
        time_ms = e.time_ms[i]
        if time_ms < clock[C.ALERT] - clock[C.LATENESS]:
            store.too_late[i] = 1
            continue
        if time_ms - clock[C.GRACE] > clock[C.ALERT]:
            why = advance(store, clock, time_ms - clock[C.GRACE], rules)
            if why != DONE:
                return why, i
        clock[C.MAX] = max(clock[C.MAX], time_ms)
        if e.row[i] < 0:
            continue
        _take(store, clock, e, i, rules)
        if e.day[i] < clock[C.FIRST_DAY]:
            clock[C.FIRST_DAY] = e.day[i]
            return FIRST_DAY, i + 1
    return DONE, stop
