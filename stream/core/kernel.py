"""The one loop: events in offset order, and between them whatever falls due.

Owns: in which order things happen, and what opens and resolves an alert (definitions T3–T5, A2–A5). Compiled by numba;
with NUMBA_DISABLE_JIT=1 it is plain Python. It stops before anything that needs more than rows: the end of a day, too
many timers. Knows nothing of JSON, Kafka, text or the wall clock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.core import batch as columns
from stream.core.calendar import DAY_MS, HOUR_MS
from stream.core.counting import count_event
from stream.core.effects import (
    consent,
    is_duplicate,
    observe_segment,
    set_active,
    set_subscription,
    totals,
)
from stream.core.heap import drop_top, push
from stream.core.kinds import Kind
from stream.core.silence import NEVER_DAYS, add_gap, fires_after_days
from stream.core.table import NEVER_MS, NO_DAY, OPEN_ENDED
from stream.core.views import C, Events, Rules, Store
from stream.jit import njit

TIMER_LIMIT = 5_000  # rows that may fall due in one step (definitions T5)

# why the loop stopped
DONE, BORDER, TIMERS, FIRST_DAY = range(4)
# what happened to a row that a person should hear of
OPENED, RETURNED, RETRACTED, CHURNED = range(4)

PROFILE_UPDATED = int(Kind.profile_updated)
CONSENT_CHANGED = int(Kind.consent_changed)
UNSUBSCRIBED = int(Kind.unsubscribed)
SUBSCRIPTION_STARTED = int(Kind.subscription_started)
SUBSCRIPTION_RENEWED = int(Kind.subscription_renewed)
SUBSCRIPTION_CHANGED = int(Kind.subscription_changed)
SUBSCRIPTION_CANCELLED = int(Kind.subscription_cancelled)

# What `apply` calls for each event is inlined by force: a call copies `Store` and `Events`, which doubled the cost of
# an event.


@njit
def next_hour_ms(time_ms: int) -> int:
    """The full hour (UTC) after an instant.

    When late changes are published, at most once an hour of the alert clock.
    """
    return (time_ms // HOUR_MS + 1) * HOUR_MS


@njit(inline=True)
def _changed(store: Store, clock: NDArray[np.int64], row: int) -> None:
    if store.dirty[row] == 0:
        store.dirty[row] = 1
        store.changed[clock[C.CHANGED_N]] = row
        clock[C.CHANGED_N] += 1


@njit(inline=True)
def _set_due(store: Store, clock: NDArray[np.int64], row: int, due_ms: int) -> None:
    if store.due_ms[row] == due_ms:
        return
    store.due_ms[row] = due_ms
    store.rows[row].due_ms = due_ms
    if due_ms <= clock[C.HEAP_UNTIL]:
        push(store, clock, row)


@njit
def _note(store: Store, clock: NDArray[np.int64], row: int, what: int, time_ms: int) -> None:
    n = clock[C.NOTES_N]
    clock[C.NOTES_N] = n + 1
    note = store.notes[n]
    note.what = what
    note.row = row
    note.time_ms = time_ms
    note.seen_ms = clock[C.ALERT] + clock[C.GRACE]
    store.noted[n] = store.rows[row]


@njit
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


@njit(inline=True)
def _until_day(e: Events, i: int) -> int:
    """The day at whose end a subscription is no longer live, as its event i says."""
    has_end = e.x[i] != columns.NONE
    if e.kind[i] == SUBSCRIPTION_CANCELLED:
        return max(e.until_day[i], 0) if has_end and e.x[i] > e.time_ms[i] else e.day[i]
    return max(e.until_day[i], 0) if has_end and e.y[i] == 0 else OPEN_ENDED  # 1969 somewhere is no number of a day


@njit(inline=True)
def _await_next(store: Store, clock: NDArray[np.int64], row: int, rules: Rules) -> None:
    """Set the instant at which the silence that begins with the last purchase would be a sign (A3)."""
    r = store.rows[row]
    days = fires_after_days(r.gap_mean, r.gap_square, r.gap_weight, int(r.purchase_days), rules.silence)
    _set_due(store, clock, row, NEVER_MS if days == NEVER_DAYS else r.purchase_ms + days * DAY_MS)


@njit(inline=True)
def _purchase(store: Store, clock: NDArray[np.int64], row: int, time_ms: int, day: int, rules: Rules) -> None:
    """A purchase: the gap it ends, the alert it resolves, the silence from which the next one counts (A2, A3, A5)."""
    r = store.rows[row]
    if r.purchase_day != NO_DAY and day < r.purchase_day:
        return  # late: the gaps are not rewritten
    if day == r.purchase_day:
        if time_ms > r.purchase_ms or r.due_ms == NEVER_MS:
            r.purchase_ms = max(time_ms, r.purchase_ms)
            if r.episode_day != day:  # an episode opens once
                _await_next(store, clock, row, rules)
        return
    if r.opened_ms != 0:
        r.transitions += 1
        _note(store, clock, row, RETURNED if time_ms > r.opened_ms else RETRACTED, time_ms)
        r.opened_ms = 0
    if r.purchase_day != NO_DAY:
        m, q, w = add_gap(float(day - r.purchase_day), r.gap_mean, r.gap_square, r.gap_weight, rules.silence.memory)
        r.gap_mean = m
        r.gap_square = q
        r.gap_weight = w
    r.purchase_day = day
    r.purchase_ms = time_ms
    r.purchase_days += 1
    _await_next(store, clock, row, rules)


@njit(inline=True)
def _take(store: Store, clock: NDArray[np.int64], e: Events, i: int, rules: Rules) -> bool:
    """Apply event i, which is in time, to its customer's row; False for a duplicate."""
    kind, time_ms, day, row = e.kind[i], e.time_ms[i], e.day[i], e.row[i]
    r = store.rows[row]
    if is_duplicate(r, e.event_hash[i]):
        clock[C.DUPLICATES] += 1
        return False
    _changed(store, clock, row)
    r.first_ms = time_ms if r.first_ms == 0 else min(r.first_ms, time_ms)
    r.seen_ms = max(r.seen_ms, time_ms)
    if day < clock[C.OPEN_DAY] and clock[C.LATE_CHANGE] == 0:
        clock[C.LATE_CHANGE] = 1
        clock[C.BORDER] = min(clock[C.BORDER], next_hour_ms(clock[C.ALERT]))
    time_s = time_ms // 1000
    if e.segment[i] != columns.NONE:
        observe_segment(r, time_s, e.segment[i])
    count_event(store.flows, r, kind, day, e.amount[i], e.x[i], e.y[i])
    totals(r, kind, e.amount[i])
    if kind in (PROFILE_UPDATED, CONSENT_CHANGED, UNSUBSCRIBED):
        consent(r, time_s, e.x[i])
    lives = kind in (SUBSCRIPTION_STARTED, SUBSCRIPTION_RENEWED, SUBSCRIPTION_CHANGED)
    if lives or kind == SUBSCRIPTION_CANCELLED:
        set_subscription(r, e.ref[i], time_s, _until_day(e, i))
    if rules.qualifies[kind]:
        set_active(r, day)
    if (rules.qualifies[kind] or lives) and (r.first_day == NO_DAY or day < r.first_day):
        r.first_day = day
    if rules.purchase[kind]:
        _purchase(store, clock, row, time_ms, day, rules)
    return True


# -- the loop -----------------------------------------------------------------------------------------------------


@njit
def advance(store: Store, clock: NDArray[np.int64], to_ms: int, rules: Rules) -> int:
    """Let everything fall due up to A = `to_ms`, the end of a day at most. Returns DONE, BORDER or TIMERS."""
    stop_ms = min(to_ms, clock[C.BORDER])
    while clock[C.HEAP_N] > 0 and store.heap_ms[0] <= stop_ms:
        if clock[C.FIRED] >= TIMER_LIMIT:
            return TIMERS
        due_ms, row = store.heap_ms[0], store.heap_row[0]
        drop_top(store, clock)
        if store.due_ms[row] == due_ms:
            clock[C.ALERT] = max(clock[C.ALERT], due_ms)
            clock[C.FIRED] += 1
            _fire(store, clock, row, rules)
    clock[C.ALERT] = max(clock[C.ALERT], stop_ms)
    return BORDER if stop_ms < to_ms or to_ms == clock[C.BORDER] else DONE


@njit
def apply(store: Store, clock: NDArray[np.int64], e: Events, start: int, stop: int, rules: Rules) -> tuple[int, int]:
    """Apply events start…stop. Returns (why it stopped, the first event not done)."""
    for i in range(start, stop):
        time_ms = e.time_ms[i]
        if time_ms < clock[C.ALERT] - clock[C.LATENESS]:
            store.too_late[i] = 1
            continue
        to_ms = max(time_ms - clock[C.GRACE], clock[C.ALERT])
        if to_ms > clock[C.ALERT] or (clock[C.HEAP_N] > 0 and store.heap_ms[0] <= to_ms):
            why = advance(store, clock, to_ms, rules)
            if why != DONE:
                return why, i
        clock[C.MAX] = max(clock[C.MAX], time_ms)
        if e.row[i] < 0:
            continue
        applied = _take(store, clock, e, i, rules)
        if applied and e.day[i] < clock[C.FIRST_DAY]:
            clock[C.FIRST_DAY] = e.day[i]
            return FIRST_DAY, i + 1
    return DONE, stop
