"""What falls due in a row: the instant at which it has to be looked at next, and what happens then.

Owns: when absences become signs, in which an outage doesn't count (definitions T10, A4, B4, L5, X3, Y3–Y5), and the
judging of alerts whose horizon has passed. Compiled. Knows nothing of events and of which row is due first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.core import signals, troubles
from stream.core.life import CHURNED, RETURNED, changed, day_at, open_alert, resolve, set_due
from stream.core.pulse import Pulse, after_s
from stream.core.retention import subscribed
from stream.core.row import NEVER_S, SIGNS, SUBSCRIPTIONS, TICKETS, More, Row
from stream.core.signs import BY_ENGAGEMENT, BY_PURCHASE, Sign
from stream.core.views import Rules, Store
from stream.jit import njit, whole

SILENT = whole(Sign.silent)
_FAILED, _CANCELLING = whole(Sign.payment_failed), whole(Sign.cancelling)
_NEVER_ACTIVATED, _COMPLAINT, _NEGLECTED = whole(Sign.never_activated), whole(Sign.complaint), whole(Sign.neglected)
_BY_PURCHASE = sum(1 << sign for sign in BY_PURCHASE)
_BY_ENGAGEMENT = sum(1 << sign for sign in BY_ENGAGEMENT)


@njit(inline=True)
def silent_s(r: Row, pulse: Pulse) -> int:
    """When the silence of now becomes a sign; the row keeps it as if there were no outages."""
    due = whole(r.silent_s)
    return due if due == NEVER_S else after_s(pulse, whole(r.purchase_s), due - whole(r.purchase_s))


@njit
def _target_s(pulse: Pulse, m: More, k: int, rules: Rules) -> int:
    """When a ticket should have been resolved."""
    return after_s(pulse, whole(m.ticket_s[k]), rules.of.target_s[m.ticket_bits[k] & troubles.PRIORITY])


@njit
def _more_due(m: More, pulse: Pulse, rules: Rules) -> int:
    """When something of what only some customers have is to be looked at."""
    due = whole(NEVER_S)
    if m.activate_s != 0 and not m.uses & signals.LOOKED:
        due = min(due, after_s(pulse, whole(m.activate_s), rules.of.activation_s))
    if m.failed_due_s != 0:
        due = min(due, whole(m.failed_due_s))
    for k in range(TICKETS):
        if m.ticket_s[k] != 0 and not m.ticket_bits[k] & (signals.LOOKED | troubles.CLOSED):
            due = min(due, _target_s(pulse, m, k, rules))
    for k in range(SUBSCRIPTIONS):
        if m.ends_s[k] != 0:
            due = min(due, max(whole(m.ends_s[k]) - rules.of.notice_s, 0))
    if rules.of.enabled[_NEGLECTED] and m.contact_s != 0:
        due = min(due, after_s(pulse, whole(m.contact_s), rules.of.neglect_s))
    return int(due)


@njit(inline=True)
def await_next(store: Store, clock: NDArray[np.int64], row: int, rules: Rules) -> None:
    """Set the instant at which the row has to be looked at next."""
    r = store.rows[row]
    due = silent_s(r, store.pulse)
    if r.open:
        for sign in range(SIGNS):
            if r.open & (1 << sign):
                due = min(due, after_s(store.pulse, whole(r.opened_s[sign]), rules.of.horizon_s[sign]))
    if r.more:
        due = min(due, _more_due(store.more[r.more], store.pulse, rules))
    set_due(store, clock, row, due)


@njit
def _judge(store: Store, clock: NDArray[np.int64], row: int, sign: int, now_s: int) -> None:
    """Whether the customer has stayed, now that an alert's horizon has passed (definitions L5)."""
    r = store.rows[row]
    m = store.more[r.more]
    last = whole(r.active_head)
    if (1 << sign) & _BY_PURCHASE:
        last = whole(r.purchase_day)
    elif (1 << sign) & _BY_ENGAGEMENT:
        last = whole(r.engage_day)
    stays = last > day_at(store.pulse, whole(r.opened_s[sign]))
    if sign == _FAILED:
        stays = False  # it would have been recovered
    elif sign == _CANCELLING:
        stays = stays or subscribed(m, day_at(store.pulse, now_s), now_s + 1)
    resolve(store, clock, row, sign, RETURNED if stays else CHURNED, now_s)


@njit
def _fire_more(store: Store, clock: NDArray[np.int64], row: int, now_s: int, rules: Rules) -> None:
    """What falls due of what only some customers have; each thing is looked at once (definitions B4, Y3, Y5, X3)."""
    r = store.rows[row]
    m = store.more[r.more]
    t, pulse = rules.of, store.pulse
    waits = m.activate_s != 0 and not m.uses & signals.LOOKED
    if waits and after_s(pulse, whole(m.activate_s), t.activation_s) <= now_s:
        m.uses |= signals.LOOKED
        open_alert(store, clock, row, _NEVER_ACTIVATED, day_at(pulse, whole(m.activate_s)), now_s, rules)
    if m.failed_due_s != 0 and m.failed_due_s <= now_s:
        m.failed_due_s = 0
        open_alert(store, clock, row, _FAILED, day_at(pulse, whole(m.failed_s)), now_s, rules)
    for k in range(TICKETS):
        waits = m.ticket_s[k] != 0 and not m.ticket_bits[k] & (signals.LOOKED | troubles.CLOSED)
        if waits and _target_s(pulse, m, k, rules) <= now_s:
            m.ticket_bits[k] |= signals.LOOKED
            open_alert(store, clock, row, _COMPLAINT, day_at(pulse, whole(m.ticket_s[k])), now_s, rules)
    for k in range(SUBSCRIPTIONS):
        if m.ends_s[k] != 0 and whole(m.ends_s[k]) - t.notice_s <= now_s:
            m.ends_s[k] = 0
            day = day_at(pulse, now_s)
            if max(whole(r.active_head), whole(r.engage_day)) <= day - t.idle_days:
                troubles.cancels(r, m, day, troubles.TERM_ENDS, store.episodes)
                open_alert(store, clock, row, _CANCELLING, day, now_s, rules)
    waits = rules.of.enabled[_NEGLECTED] != 0 and m.contact_s != 0
    if waits and after_s(pulse, whole(m.contact_s), t.neglect_s) <= now_s:
        contact_day = day_at(pulse, whole(m.contact_s))
        m.contact_s = 0
        if r.revenue >= t.neglect_revenue:
            open_alert(store, clock, row, _NEGLECTED, contact_day, now_s, rules)


@njit
def fire(store: Store, clock: NDArray[np.int64], row: int, rules: Rules) -> None:
    """What a row does when it falls due: alerts whose horizon has passed end, others open (definitions A4, L5)."""
    r = store.rows[row]
    now_s = whole(r.due_s)
    changed(store, clock, row)
    for sign in range(SIGNS):
        judged = r.open & (1 << sign) != 0
        if judged and after_s(store.pulse, whole(r.opened_s[sign]), rules.of.horizon_s[sign]) <= now_s:
            _judge(store, clock, row, sign, now_s)
    if silent_s(r, store.pulse) <= now_s:
        r.silent_s = NEVER_S
        open_alert(store, clock, row, SILENT, whole(r.purchase_day), now_s, rules)
    if r.more:
        _fire_more(store, clock, row, now_s, rules)
    await_next(store, clock, row, rules)
