"""The one loop: events in offset order, and between them whatever falls due.

Owns: in which order things happen, and the sign `silent` (definitions T3–T5, A2–A5). What other signs ask for is
`core.signals` and `core.troubles`, what falls due `core.due`, what an alert goes through `core.life`. Compiled by
numba. It stops before anything that needs more than rows: the end of a day, too many timers. Knows nothing of JSON,
Kafka, text or the wall clock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.core import batch as columns
from stream.core import pulse as inputs
from stream.core import signals, troubles
from stream.core.calendar import HOUR_MS
from stream.core.counting import count_event
from stream.core.due import SILENT, await_next, fire
from stream.core.effects import is_duplicate, observe_segment, set_active
from stream.core.heap import drop_top
from stream.core.kinds import Kind
from stream.core.life import (
    ALL_SIGNS,
    DAY_S,
    ERASED,
    FORGOTTEN,
    MUTED,
    RETURNED,
    changed,
    end_all,
    grant,
    grow_more,
    note,
    resolve,
    set_due,
)
from stream.core.retention import segment_at
from stream.core.row import NEVER_S, NEWBORN, NO_DAY, SIGNS, Row
from stream.core.service import Said, mutes, service
from stream.core.signs import Sign
from stream.core.silence import NEVER_DAYS, add_gap, fires_after_days
from stream.core.views import C, Events, FlowView, Rules, Store
from stream.jit import njit, prefetch, whole

TIMER_LIMIT = 5_000  # rows that may fall due in one step (definitions T5)
NOTES_LIMIT = 2 * SIGNS + 2  # notes that one event or one timer can leave

# why the loop stopped
DONE, BORDER, TIMERS, FIRST_DAY = range(4)

ORDER_COMPLETED = int(Kind.order_completed)
SUBSCRIPTION_STARTED, SUBSCRIPTION_CHANGED = int(Kind.subscription_started), int(Kind.subscription_changed)
CUSTOMER_ERASED, ALERT_MUTED = int(Kind.customer_erased), int(Kind.alert_muted)

_NEGLECTED = whole(Sign.neglected)
_AHEAD = 6  # events
_HOT_BYTES = 320  # of a row: what an order reads and writes
_UNKNOWN = 0  # `silent_s` between a purchase and the end of its event, which says what was spent
_OPENS_OR_GRAVER = (1 << SIGNS) - 1 << 2 * SIGNS | (1 << SIGNS) - 1

# What `apply` calls for each event is inlined by force: a call copies `Store` and `Events`, which doubled the cost of
# an event.


@njit
def next_hour_ms(time_ms: int) -> int:
    """The full hour (UTC) after an instant.

    When late changes are published, at most once an hour of the alert clock.
    """
    return (time_ms // HOUR_MS + 1) * HOUR_MS


# -- what an event does -----------------------------------------------------------------------------------------------


@njit
def _erase(store: Store, clock: NDArray[np.int64], row: int, time_s: int) -> None:
    """Forget everything of a customer but when it was erased (definitions H1)."""
    r = store.rows[row]
    end_all(store, clock, row, ALL_SIGNS, ERASED, time_s)
    if r.more:
        store.more[r.more] = store.more[0]
    store.rows[row] = NEWBORN[0]
    store.rows[row].erased_s = time_s
    set_due(store, clock, row, whole(NEVER_S))
    note(store, clock, row, SILENT, FORGOTTEN, time_s)


@njit(inline=True)
def _wait_for_next(r: Row, rules: Rules) -> None:
    """Set the instant at which the silence that begins with the last purchase would be a sign (A3)."""
    spend = signals.spend_then(r.spend, whole(r.spend_day), whole(r.purchase_day))
    odds = rules.of.segment_odds[segment_at(r, whole(r.purchase_s))]
    days = fires_after_days(r.gap_mean, r.gap_square, r.gap_weight, int(r.purchase_days), spend, odds, rules.silence)
    r.silent_s = NEVER_S if days == NEVER_DAYS else whole(r.purchase_s) + days * DAY_S


@njit(inline=True)
def _purchase(store: Store, clock: NDArray[np.int64], row: int, time_s: int, day: int, rules: Rules) -> int:
    """A purchase: the gap it ends, the alert it resolves (A2, A5). When its silence is a sign, is not known yet."""
    r = store.rows[row]
    if r.purchase_day != NO_DAY and day < r.purchase_day:
        return signals.NOTHING  # late: the gaps are not rewritten
    if day == r.purchase_day:
        r.purchase_s = max(time_s, whole(r.purchase_s))
        if r.episode[SILENT] != day:  # an episode opens once
            r.silent_s = _UNKNOWN
        return signals.NOTHING
    if r.open & (1 << SILENT):
        resolve(store, clock, row, SILENT, RETURNED, time_s)
    asks = signals.buying(r, day, rules.of, store.episodes)
    if r.purchase_day != NO_DAY:
        m, q, w = add_gap(float(day - r.purchase_day), r.gap_mean, r.gap_square, r.gap_weight, rules.silence.memory)
        r.gap_mean = m
        r.gap_square = q
        r.gap_weight = w
    r.purchase_day = day
    r.purchase_s = time_s
    r.purchase_days += 1
    r.silent_s = _UNKNOWN
    return asks


@njit(inline=True)
def _take(store: Store, flows: FlowView, clock: NDArray[np.int64], e: Events, i: int, rules: Rules) -> bool:
    """Apply event i, which is in time, to its customer's row; False for a duplicate or what an erased one left."""
    kind, day, row = whole(e.kind[i]), whole(e.day[i]), whole(e.row[i])
    time_s = e.time_ms[i] // 1000
    r = store.rows[row]
    if time_s <= r.erased_s or is_duplicate(r, e.event_hash[i]):
        clock[C.DUPLICATES] += 1
        return False
    changed(store, clock, row)
    newcomer = r.first_s == 0
    r.first_s = time_s if newcomer else min(whole(r.first_s), time_s)
    r.seen_s = max(whole(r.seen_s), time_s)
    if day < clock[C.OPEN_DAY] and clock[C.LATE_CHANGE] == 0:
        clock[C.LATE_CHANGE] = 1
        clock[C.BORDER] = min(clock[C.BORDER], next_hour_ms(clock[C.ALERT]))
    if e.segment[i] != columns.NONE:
        observe_segment(r, time_s, e.segment[i])
    if e.variant[i]:
        r.variant = e.variant[i]
    if kind == CUSTOMER_ERASED:
        _erase(store, clock, row, time_s)
        return True
    count_event(flows, r, store.more[r.more], kind, time_s, day, e.amount[i], e.x[i], e.y[i], e.ref[i], rules.of)
    lives = SUBSCRIPTION_STARTED <= kind <= SUBSCRIPTION_CHANGED
    qualifies = rules.of.qualifies[kind]
    qualifies = qualifies != 0 and np.int64(qualifies) >> segment_at(r, time_s) & 1
    if qualifies:
        set_active(r, day)
    if (qualifies or lives) and (r.first_day == NO_DAY or day < r.first_day):
        r.first_day = day
    asks = signals.NOTHING
    if rules.of.purchase[kind]:
        asks |= _purchase(store, clock, row, time_s, day, rules)
    if kind == ORDER_COMPLETED:
        r.orders += 1
        r.revenue += e.amount[i]
        if e.ref[i]:
            r.categories |= np.uint32(e.ref[i])
        asks |= signals.spending(r, day, e.amount[i], rules.of, store.episodes)
        if r.more:
            asks |= troubles.comes_back(store.more[r.more], day, rules.of)
    if r.silent_s == _UNKNOWN:
        _wait_for_next(r, rules)
    if rules.of.engages[kind]:
        asks |= signals.engaging(r, day, rules.of, store.episodes)
        if r.more:
            asks |= signals.uses(store.more[r.more], time_s, rules.of)
    if rules.of.more[kind]:
        said = Said(kind, time_s, day, whole(e.until_day[i]), e.x[i], e.y[i], e.amount[i], e.ref[i])
        m = grow_more(store, clock, row)
        asks |= service(r, m, said, rules.of, store.episodes)
        if kind == ALERT_MUTED:
            end_all(store, clock, row, mutes(r, m, store.hashes[row], said, rules.of), MUTED, time_s)
    if rules.of.enabled[_NEGLECTED] and (rules.of.contacts[kind] or newcomer):
        asks |= troubles.contacted(grow_more(store, clock, row), time_s)
    # most ask for nothing, or for the end of what is not open
    if asks & _OPENS_OR_GRAVER or (asks and r.open):
        grant(store, clock, row, asks, time_s, rules)
    await_next(store, clock, row, rules)
    return True


# -- the loop ---------------------------------------------------------------------------------------------------------


@njit
def advance(store: Store, clock: NDArray[np.int64], to_ms: int, rules: Rules) -> int:
    """Let everything fall due up to A = `to_ms`, the end of a day at most. Returns DONE, BORDER or TIMERS."""
    stop_ms = min(to_ms, clock[C.BORDER])
    while clock[C.HEAP_N] > 0 and store.heap[0, 0] <= stop_ms:
        if clock[C.FIRED] >= TIMER_LIMIT or clock[C.NOTES_N] + NOTES_LIMIT > store.notes.size:
            return TIMERS
        due_ms, row = store.heap[0, 0], store.heap[0, 1]
        drop_top(store, clock)
        if store.due_ms[row] == due_ms:
            clock[C.ALERT] = max(clock[C.ALERT], due_ms)
            clock[C.FIRED] += 1
            fire(store, clock, row, rules)
    clock[C.ALERT] = max(clock[C.ALERT], stop_ms)
    return BORDER if stop_ms < to_ms or to_ms == clock[C.BORDER] else DONE


@njit(inline=True)
def _fetch(store: Store, row: int) -> None:
    """Have a row fetched that an event will soon be applied to; -1 is harmless."""
    for offset in range(0, _HOT_BYTES, 64):
        prefetch(store.rows, row, offset)
    prefetch(store.due_ms, row)
    prefetch(store.dirty, row)


@njit
def apply(
    store: Store, flows: FlowView, clock: NDArray[np.int64], e: Events, start: int, stop: int, rules: Rules
) -> tuple[int, int]:
    """Apply events start…stop. Returns (why it stopped, the first event not done)."""
    for i in range(start, stop):
        if i + _AHEAD < stop:
            _fetch(store, e.row[i + _AHEAD])
        time_ms = e.time_ms[i]
        if time_ms < clock[C.ALERT] - clock[C.LATENESS]:
            e.too_late[i] = 1
            continue
        last_ms = clock[C.MAX]
        if time_ms - last_ms > inputs.LEAST_MS and e.row[i] >= 0 and e.live[i] and store.pulse.now[inputs.LIVE]:
            inputs.excuse(store.pulse, last_ms, time_ms, clock[C.GRACE])  # no source says that the silence was real
        to_ms = max(time_ms - clock[C.GRACE], clock[C.ALERT])
        if to_ms > clock[C.ALERT] or (clock[C.HEAP_N] > 0 and store.heap[0, 0] <= to_ms):
            why = advance(store, clock, to_ms, rules)
            if why != DONE:
                return why, i
        if clock[C.NOTES_N] + NOTES_LIMIT > store.notes.size:
            return TIMERS, i
        if time_ms > last_ms:
            clock[C.MAX] = time_ms
            inputs.beat(store.pulse, last_ms, time_ms)
            store.pulse.now[inputs.LIVE] = e.live[i]
        if e.row[i] < 0:
            continue
        applied = _take(store, flows, clock, e, i, rules)
        if applied and e.day[i] < clock[C.FIRST_DAY]:
            clock[C.FIRST_DAY] = e.day[i]
            return FIRST_DAY, i + 1
    return DONE, stop
