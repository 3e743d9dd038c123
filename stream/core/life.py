"""The life of an alert in a customer's row: opened, escalated, resolved.

Owns: when an alert of any sign may open and what its opening does to the customer's others, how it ends, and until when
it waits for its outcome (definitions L1–L7). Compiled. Knows nothing of what makes a sign fire, nor of words.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.core import batch as columns
from stream.core.calendar import DAY_MS
from stream.core.hashing import mix
from stream.core.heap import push
from stream.core.pulse import Pulse, local_ms
from stream.core.row import NEVER_MS, NEVER_S, SIGNS, More, Row
from stream.core.signals import ENDS, GRAVER
from stream.core.views import C, Rules, Store
from stream.jit import njit, whole

# what happens to an alert
OPENED, ESCALATED, RETURNED, RECOVERED, RETRACTED, CHURNED, ERASED, MUTED = map(whole, range(8))
FORGOTTEN = whole(8)  # no alert's: the customer was erased

DAY_S = DAY_MS // 1000
ALL_SIGNS = whole((1 << SIGNS) - 1)


@njit
def day_at(pulse: Pulse, time_s: int) -> int:
    """The business day of an instant."""
    return local_ms(pulse, whole(time_s) * 1000) // DAY_MS


@njit
def alert_hash(customer_hash: np.uint64, sign: int, episode_day: int) -> np.uint64:
    """The first half of an alert's id: what the kernel knows an alert by."""
    return mix(customer_hash ^ mix(np.uint64(sign) << np.uint64(32) | np.uint64(episode_day)))


@njit
def grow_more(store: Store, clock: NDArray[np.int64], row: int) -> Any:
    """What a customer has beside the row, to be changed; there must be room for one more."""
    r = store.rows[row]
    if r.more == 0:
        r.more = clock[C.MORE_N]
        clock[C.MORE_N] += 1
    return store.more[r.more]


@njit
def note(store: Store, clock: NDArray[np.int64], row: int, sign: int, what: int, time_s: int) -> None:
    """Keep what happened, with the row as it is now, for those who make words of it."""
    n = clock[C.NOTES_N]
    clock[C.NOTES_N] = n + 1
    one = store.notes[n]
    one.what = what
    one.sign = sign
    one.row = row
    one.time_s = time_s
    one.seen_ms = clock[C.ALERT] + clock[C.GRACE]
    one.was = store.rows[row]
    one.beside = store.more[store.rows[row].more]


@njit
def margin_of(r: Row, m: More, margin: float) -> float:
    """What the customer's orders left, in minor units: net revenue × their margin, else that of everybody."""
    own = (m.margin - 1) / 10_000 if m.margin else margin
    return max(r.revenue - m.refunded, 0) * own


@njit
def is_acceptable(r: Row, m: More, share: float, margin: float) -> bool:
    """Whether serving the customer costs more than a share of what they leave: a loss that nobody fights (L7)."""
    return share > 0 and m.cost_to_serve > share * margin_of(r, m, margin)


@njit
def may_open(r: Row, m: More, sign: int, episode_day: int, time_s: int, rules: Rules) -> bool:
    """Whether an alert of that sign and episode may open now (definitions L1, L2)."""
    bit = 1 << sign
    if rules.of.enabled[sign] == 0 or r.open & bit:
        return False
    if r.episode[sign] != 0 and episode_day < r.episode[sign] + rules.of.cooldown_days[sign]:
        return False
    if m.muted & bit and time_s < m.muted_until_s:
        return False
    if is_acceptable(r, m, rules.of.acceptable_share, rules.of.margin):
        return False
    if rules.of.behavioural[sign]:
        tracking = r.consent if r.consent & columns.TRACKING_KNOWN else rules.of.tracking_default
        return tracking & columns.TRACKING != 0
    return True


@njit
def open_alert(
    store: Store, clock: NDArray[np.int64], row: int, sign: int, episode_day: int, time_s: int, rules: Rules
) -> None:
    """Open an alert if it may; the customer's others are escalated, each once (definitions L2, L3)."""
    r = store.rows[row]
    if not may_open(r, store.more[r.more], sign, episode_day, time_s, rules):
        return
    others = r.open
    r.opened_s[sign] = time_s
    r.episode[sign] = episode_day
    r.turns[sign] = 1
    r.open |= 1 << sign
    if others:
        r.escalated |= 1 << sign
    note(store, clock, row, sign, OPENED, time_s)
    for other in range(SIGNS):
        if others & (1 << other):
            escalate(store, clock, row, other, time_s)


@njit
def escalate(store: Store, clock: NDArray[np.int64], row: int, sign: int, time_s: int) -> None:
    """Say that an alert has become graver: once, and only while it is open (definitions L3)."""
    r = store.rows[row]
    bit = 1 << sign
    if r.open & bit and not r.escalated & bit:
        r.escalated |= bit
        r.turns[sign] += 1
        note(store, clock, row, sign, ESCALATED, time_s)


@njit
def resolve(store: Store, clock: NDArray[np.int64], row: int, sign: int, what: int, time_s: int) -> None:
    """End an alert, if it is open. What came before it opened takes it back (definitions L4)."""
    r = store.rows[row]
    bit = 1 << sign
    if not r.open & bit:
        return
    if what in (RETURNED, RECOVERED) and time_s <= r.opened_s[sign]:
        what = RETRACTED
    r.turns[sign] += 1
    r.open &= ALL_SIGNS ^ bit
    note(store, clock, row, sign, what, time_s)
    r.escalated &= ALL_SIGNS ^ bit


@njit
def end_all(store: Store, clock: NDArray[np.int64], row: int, signs: int, what: int, time_s: int) -> None:
    """End the alerts of the signs whose bits are set, in their order."""
    for sign in range(SIGNS):
        if signs >> sign & 1:
            resolve(store, clock, row, sign, what, time_s)


@njit
def grant(store: Store, clock: NDArray[np.int64], row: int, asks: int, time_s: int, rules: Rules) -> None:
    """Do what signals ask for: first what ends, then what opens, then what becomes graver, each in the signs' order."""
    end_all(store, clock, row, asks >> ENDS, RECOVERED, time_s)
    for sign in range(SIGNS):
        if asks >> sign & 1:
            open_alert(store, clock, row, sign, store.episodes[sign], time_s, rules)
    for sign in range(SIGNS):
        if asks >> (GRAVER + sign) & 1:
            escalate(store, clock, row, sign, time_s)


@njit(inline=True)
def changed(store: Store, clock: NDArray[np.int64], row: int) -> None:
    """Remember that a row is not what the changelog has."""
    if store.dirty[row] == 0:
        store.dirty[row] = 1
        store.changed[clock[C.CHANGED_N]] = row
        clock[C.CHANGED_N] += 1


@njit
def set_due(store: Store, clock: NDArray[np.int64], row: int, due_s: int) -> None:
    """Look at the row again at that second, or never."""
    due_ms = NEVER_MS if due_s >= NEVER_S else whole(due_s) * 1000
    if store.due_ms[row] == due_ms:
        return
    store.due_ms[row] = due_ms
    store.rows[row].due_s = due_s
    if due_ms <= clock[C.HEAP_UNTIL]:
        push(store, clock, row)
