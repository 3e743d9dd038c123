"""The one loop: events in offset order, and between them whatever falls due.

Owns: in which order things happen, and the sign `silent` (definitions T3–T5, A2–A5). What other signs ask for is
`core.signals`, what an alert goes through is `core.life`. Compiled by numba. It stops before anything that needs more
than rows: the end of a day, too many timers. Knows nothing of JSON, Kafka, text or the wall clock.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core import batch as columns
from stream.core import pulse as inputs
from stream.core import signals
from stream.core.calendar import HOUR_MS
from stream.core.counting import count_event
from stream.core.effects import (
    consent,
    is_duplicate,
    observe_segment,
    set_active,
    set_subscription,
)
from stream.core.heap import drop_top
from stream.core.kinds import Kind
from stream.core.life import (
    ALL_SIGNS,
    CHURNED,
    DAY_S,
    ERASED,
    MUTED,
    RETURNED,
    alert_hash,
    day_at,
    end_all,
    grant,
    grow_more,
    open_alert,
    resolve,
    set_due,
)
from stream.core.pulse import Pulse, after_s
from stream.core.remembering import keep_answer
from stream.core.retention import segment_at, subscribed
from stream.core.signs import BY_ENGAGEMENT, BY_PURCHASE, Sign
from stream.core.silence import NEVER_DAYS, add_gap, fires_after_days
from stream.core.table import NEVER_S, NO_DAY, OPEN_ENDED, SIGNS, SUBSCRIPTIONS, TICKETS, More, Row
from stream.core.views import C, Events, Rule, Rules, Store
from stream.jit import njit, whole

TIMER_LIMIT = 5_000  # rows that may fall due in one step (definitions T5)
NOTES_LIMIT = 2 * SIGNS + 2  # notes that one event or one timer can leave

# why the loop stopped
DONE, BORDER, TIMERS, FIRST_DAY = range(4)

PROFILE_UPDATED, CONSENT_CHANGED = int(Kind.profile_updated), int(Kind.consent_changed)
UNSUBSCRIBED = int(Kind.unsubscribed)
ORDER_COMPLETED, ORDER_REFUNDED = int(Kind.order_completed), int(Kind.order_refunded)
SERVICE_COST = int(Kind.service_cost)
CART_ABANDONED, PAGE_PERFORMANCE = int(Kind.cart_abandoned), int(Kind.page_performance)
SURVEY_ANSWERED, REVIEW_POSTED = int(Kind.survey_answered), int(Kind.review_posted)
TICKET_OPENED, TICKET_RESOLVED = int(Kind.ticket_opened), int(Kind.ticket_resolved)
TICKET_REOPENED = int(Kind.ticket_reopened)
SUBSCRIPTION_STARTED, SUBSCRIPTION_RENEWED = int(Kind.subscription_started), int(Kind.subscription_renewed)
SUBSCRIPTION_CHANGED, SUBSCRIPTION_CANCELLED = int(Kind.subscription_changed), int(Kind.subscription_cancelled)
TRIAL_STARTED = int(Kind.trial_started)
PAYMENT_FAILED, PAYMENT_RECOVERED = int(Kind.payment_failed), int(Kind.payment_recovered)
CUSTOMER_ERASED, ALERT_MUTED = int(Kind.customer_erased), int(Kind.alert_muted)

SILENT = int(Sign.silent)
_FAILED, _CANCELLING = int(Sign.payment_failed), int(Sign.cancelling)
_NEVER_ACTIVATED, _COMPLAINT, _NEGLECTED = int(Sign.never_activated), int(Sign.complaint), int(Sign.neglected)
_BY_PURCHASE = sum(1 << sign for sign in BY_PURCHASE)
_BY_ENGAGEMENT = sum(1 << sign for sign in BY_ENGAGEMENT)
_OPENS_OR_GRAVER = (1 << SIGNS) - 1 << 2 * SIGNS | (1 << SIGNS) - 1

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


# -- what falls due: absences, in which an outage doesn't count (definitions T10) -----------------------------------


@njit(inline=True)
def silent_s(r: Row, pulse: Pulse) -> int:
    """When the silence of now becomes a sign; the row keeps it as if there were no outages."""
    due = whole(r.silent_s)
    return due if due == NEVER_S else after_s(pulse, whole(r.purchase_s), due - whole(r.purchase_s))


@njit
def _target_s(pulse: Pulse, m: More, k: int, rules: Rules) -> int:
    """When a ticket should have been resolved."""
    return after_s(pulse, whole(m.ticket_s[k]), rules.of.target_s[m.ticket_bits[k] & signals.PRIORITY])


@njit
def _more_due(m: More, pulse: Pulse, rules: Rules) -> int:
    """When something of what only some customers have is to be looked at."""
    due = whole(NEVER_S)
    if m.activate_s != 0 and not m.uses & signals.LOOKED:
        due = min(due, after_s(pulse, whole(m.activate_s), rules.of.activation_s))
    if m.failed_due_s != 0:
        due = min(due, whole(m.failed_due_s))
    for k in range(TICKETS):
        if m.ticket_s[k] != 0 and not m.ticket_bits[k] & (signals.LOOKED | signals.CLOSED):
            due = min(due, _target_s(pulse, m, k, rules))
    for k in range(SUBSCRIPTIONS):
        if m.ends_s[k] != 0:
            due = min(due, max(whole(m.ends_s[k]) - rules.of.notice_s, 0))
    if rules.of.enabled[_NEGLECTED] and m.contact_s != 0:
        due = min(due, after_s(pulse, whole(m.contact_s), rules.of.neglect_s))
    return int(due)


@njit(inline=True)
def _await(store: Store, clock: NDArray[np.int64], row: int, rules: Rules) -> None:
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
def _judge(store: Store, clock: NDArray[np.int64], row: int, sign: int, now_s: int, rules: Rules) -> None:
    """Whether the customer has stayed, now that an alert's horizon has passed (definitions L5)."""
    r = store.rows[row]
    m = store.more[r.more]
    last = whole(r.active_head)
    if (1 << sign) & _BY_PURCHASE:
        last = whole(r.purchase_day)
    elif (1 << sign) & _BY_ENGAGEMENT:
        last = whole(r.engage_day)
    stays = last > day_at(whole(r.opened_s[sign]), rules)
    if sign == _FAILED:
        stays = False  # it would have been recovered
    elif sign == _CANCELLING:
        stays = stays or subscribed(m, day_at(now_s, rules), now_s + 1)
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
        open_alert(store, clock, row, _NEVER_ACTIVATED, day_at(whole(m.activate_s), rules), now_s, rules)
    if m.failed_due_s != 0 and m.failed_due_s <= now_s:
        m.failed_due_s = 0
        open_alert(store, clock, row, _FAILED, day_at(whole(m.failed_s), rules), now_s, rules)
    for k in range(TICKETS):
        waits = m.ticket_s[k] != 0 and not m.ticket_bits[k] & (signals.LOOKED | signals.CLOSED)
        if waits and _target_s(pulse, m, k, rules) <= now_s:
            m.ticket_bits[k] |= signals.LOOKED
            open_alert(store, clock, row, _COMPLAINT, day_at(whole(m.ticket_s[k]), rules), now_s, rules)
    for k in range(SUBSCRIPTIONS):
        if m.ends_s[k] != 0 and whole(m.ends_s[k]) - t.notice_s <= now_s:
            m.ends_s[k] = 0
            day = day_at(now_s, rules)
            if max(whole(r.active_head), whole(r.engage_day)) <= day - t.idle_days:
                signals.cancels(r, m, day, signals.TERM_ENDS, store.episodes)
                open_alert(store, clock, row, _CANCELLING, day, now_s, rules)
    waits = rules.of.enabled[_NEGLECTED] != 0 and m.contact_s != 0
    if waits and after_s(pulse, whole(m.contact_s), t.neglect_s) <= now_s:
        contact_day = day_at(whole(m.contact_s), rules)
        m.contact_s = 0
        if r.revenue >= t.neglect_revenue:
            open_alert(store, clock, row, _NEGLECTED, contact_day, now_s, rules)


@njit
def _fire(store: Store, clock: NDArray[np.int64], row: int, rules: Rules) -> None:
    """What a row does when it falls due: alerts whose horizon has passed end, others open (definitions A4, L5)."""
    r = store.rows[row]
    now_s = whole(r.due_s)
    _changed(store, clock, row)
    for sign in range(SIGNS):
        judged = r.open & (1 << sign) != 0
        if judged and after_s(store.pulse, whole(r.opened_s[sign]), rules.of.horizon_s[sign]) <= now_s:
            _judge(store, clock, row, sign, now_s, rules)
    if silent_s(r, store.pulse) <= now_s:
        r.silent_s = NEVER_S
        open_alert(store, clock, row, SILENT, whole(r.purchase_day), now_s, rules)
    if r.more:
        _fire_more(store, clock, row, now_s, rules)
    _await(store, clock, row, rules)


# -- what an event does -----------------------------------------------------------------------------------------------


class Said(NamedTuple):
    """One event, as numbers: the columns of a batch."""

    kind: int
    time_s: int
    day: int
    until_day: int  # business day of x where x is an instant
    x: int
    y: int
    amount: int
    ref: np.uint64


@njit
def _subscription(r: Row, m: More, e: Said, rule: Rule, episodes: signals.Days) -> int:
    """A subscription event: until when it lives, and the sign `cancelling` (definitions R2, Y5)."""
    cancelled, has_end = e.kind == SUBSCRIPTION_CANCELLED, e.x != columns.NONE
    if cancelled:
        until_day = max(e.until_day, 0) if has_end and e.x // 1000 > e.time_s else e.day
    else:
        until_day = max(e.until_day, 0) if has_end and e.y == 0 else OPEN_ENDED  # 1969 somewhere is no number of a day
    place, latest = set_subscription(m, e.ref, e.time_s, until_day, e.amount)
    if e.kind == SUBSCRIPTION_STARTED:
        signals.begins(r, m, e.time_s)
    if not latest:
        return signals.NOTHING
    renews_not = e.y == 0 and not cancelled
    ends_s = e.x // 1000 if renews_not and e.x // 1000 > e.time_s else 0
    how = signals.NOTHING
    if cancelled:
        how = signals.CANCELLED
    elif e.kind == SUBSCRIPTION_CHANGED and renews_not:
        how = signals.RENEWS_NOT
    return signals.subscription(r, m, place, e.day, e.amount, ends_s, how, rule, episodes)


@njit
def _mutes(r: Row, m: More, customer_hash: np.uint64, e: Said, rule: Rule) -> int:
    """Somebody mutes a sign, or the sign of one alert: the bits of those signs (definitions L6)."""
    signs = 0
    for sign in range(SIGNS):
        this = e.ref != 0 and r.episode[sign] != 0
        this = this and alert_hash(customer_hash, sign, whole(r.episode[sign])) == e.ref
        if this or e.y == rule.sign_hash[sign]:
            signs |= 1 << sign
            if e.x != columns.NONE or not this:  # one alert alone is over when it is muted
                m.muted |= 1 << sign
                m.muted_until_s = e.x // 1000 if e.x != columns.NONE else NEVER_S
    return signs


@njit
def _erase(store: Store, clock: NDArray[np.int64], row: int, time_s: int) -> None:
    """Forget everything of a customer but when it was erased (definitions H1)."""
    r = store.rows[row]
    end_all(store, clock, row, ALL_SIGNS, ERASED, time_s)
    if r.more:
        store.more[r.more] = store.more[0]
    store.rows[row] = store.newborn[0]
    store.rows[row].erased_s = time_s
    set_due(store, clock, row, NEVER_S)
    store.erased[clock[C.ERASED]] = row
    clock[C.ERASED] += 1


@njit
def _profile(r: Row, m: More, e: Said, rule: Rule, episodes: signals.Days) -> int:
    """What is known of the customer, and what they allow."""
    consent(r, m, e.time_s, e.x)
    if e.kind == PROFILE_UPDATED:
        if e.amount != columns.NONE:
            m.acquisition_cost = e.amount
        if e.y != columns.NONE:
            m.margin = e.y + 1
        if e.ref != 0:
            m.birthday = e.ref
    if e.kind == UNSUBSCRIBED and rule.unsubscribe:
        return signals.cancels(r, m, e.day, signals.UNSUBSCRIBED, episodes)
    return signals.NOTHING


@njit
def _service(r: Row, m: More, e: Said, rule: Rule, episodes: signals.Days) -> int:
    """The kinds of event that leave more than activity and orders do; what their signs ask for."""
    if SUBSCRIPTION_STARTED <= e.kind <= SUBSCRIPTION_CANCELLED:
        return _subscription(r, m, e, rule, episodes)
    if e.kind in (PROFILE_UPDATED, CONSENT_CHANGED, UNSUBSCRIBED):
        return _profile(r, m, e, rule, episodes)
    if e.kind == PAGE_PERFORMANCE:
        return signals.page_loads(m, e.day, e.x, e.y, rule, episodes)
    if e.kind in (SURVEY_ANSWERED, REVIEW_POSTED):
        if e.y == columns.NPS:
            keep_answer(m, e.time_s, e.x)
        return signals.answers(m, e.time_s, e.day, e.x, e.y, episodes)
    if e.kind in (TICKET_OPENED, TICKET_REOPENED):
        again, complaint = e.kind == TICKET_REOPENED, e.x == 1
        return signals.ticket_opens(m, e.ref, e.time_s, e.day, complaint, e.y, again, rule, episodes)
    if e.kind == TICKET_RESOLVED:
        return signals.ticket_closes(m, e.ref, e.time_s)
    if e.kind == PAYMENT_FAILED:
        return signals.payment_fails(m, e.time_s, e.day, e.y == 1, rule, episodes)
    if e.kind == PAYMENT_RECOVERED:
        return signals.payment_recovers(m, e.time_s)
    if e.kind in (CART_ABANDONED, ORDER_REFUNDED):
        if e.kind == ORDER_REFUNDED:
            m.refunded += e.amount
        return signals.leaves(r, m, e.time_s, e.day, rule, episodes)
    if e.kind == SERVICE_COST:
        m.cost_to_serve += e.amount
    elif e.kind == TRIAL_STARTED:
        signals.begins(r, m, e.time_s)
    return signals.NOTHING


@njit(inline=True)
def _wait_for_next(r: Row, rules: Rules) -> None:
    """Set the instant at which the silence that begins with the last purchase would be a sign (A3)."""
    days = fires_after_days(r.gap_mean, r.gap_square, r.gap_weight, int(r.purchase_days), rules.silence)
    r.silent_s = NEVER_S if days == NEVER_DAYS else whole(r.purchase_s) + days * DAY_S


@njit(inline=True)
def _purchase(store: Store, clock: NDArray[np.int64], row: int, time_s: int, day: int, rules: Rules) -> int:
    """A purchase: the gap it ends, the alert it resolves, the silence from which the next one counts (A2, A3, A5)."""
    r = store.rows[row]
    if r.purchase_day != NO_DAY and day < r.purchase_day:
        return signals.NOTHING  # late: the gaps are not rewritten
    if day == r.purchase_day:
        if time_s > r.purchase_s or r.silent_s == NEVER_S:
            r.purchase_s = max(time_s, whole(r.purchase_s))
            if r.episode[SILENT] != day:  # an episode opens once
                _wait_for_next(r, rules)
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
    _wait_for_next(r, rules)
    return asks


@njit(inline=True)
def _take(store: Store, clock: NDArray[np.int64], e: Events, i: int, rules: Rules) -> bool:
    """Apply event i, which is in time, to its customer's row; False for a duplicate or what an erased one left."""
    kind, day, row = whole(e.kind[i]), whole(e.day[i]), whole(e.row[i])
    time_s = e.time_ms[i] // 1000
    r = store.rows[row]
    if time_s <= r.erased_s or is_duplicate(r, e.event_hash[i]):
        clock[C.DUPLICATES] += 1
        return False
    _changed(store, clock, row)
    newcomer = r.first_s == 0
    r.first_s = time_s if newcomer else min(whole(r.first_s), time_s)
    r.seen_s = max(whole(r.seen_s), time_s)
    if day < clock[C.OPEN_DAY] and clock[C.LATE_CHANGE] == 0:
        clock[C.LATE_CHANGE] = 1
        clock[C.BORDER] = min(clock[C.BORDER], next_hour_ms(clock[C.ALERT]))
    if e.segment[i] != columns.NONE:
        observe_segment(r, time_s, e.segment[i])
    if kind == CUSTOMER_ERASED:
        _erase(store, clock, row, time_s)
        return True
    count_event(store.flows, r, store.more[r.more], kind, time_s, day, e.amount[i], e.x[i], e.y[i], e.ref[i])
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
        asks |= signals.spending(r, day, e.amount[i], rules.of, store.episodes)
        if r.more:
            asks |= signals.comes_back(store.more[r.more], day, rules.of)
    if rules.of.engages[kind]:
        asks |= signals.engaging(r, day, rules.of, store.episodes)
        if r.more:
            asks |= signals.uses(store.more[r.more], time_s, rules.of)
    if rules.of.more[kind]:
        said = Said(kind, time_s, day, whole(e.until_day[i]), e.x[i], e.y[i], e.amount[i], e.ref[i])
        m = grow_more(store, clock, row)
        asks |= _service(r, m, said, rules.of, store.episodes)
        if kind == ALERT_MUTED:
            end_all(store, clock, row, _mutes(r, m, store.hashes[row], said, rules.of), MUTED, time_s)
    if rules.of.enabled[_NEGLECTED] and (rules.of.contacts[kind] or newcomer):
        asks |= signals.contacted(grow_more(store, clock, row), time_s)
    # most ask for nothing, or for the end of what is not open
    if asks & _OPENS_OR_GRAVER or (asks and r.open):
        grant(store, clock, row, asks, time_s, rules)
    _await(store, clock, row, rules)
    return True


# -- the loop ---------------------------------------------------------------------------------------------------------


@njit
def advance(store: Store, clock: NDArray[np.int64], to_ms: int, rules: Rules) -> int:
    """Let everything fall due up to A = `to_ms`, the end of a day at most. Returns DONE, BORDER or TIMERS."""
    stop_ms = min(to_ms, clock[C.BORDER])
    while clock[C.HEAP_N] > 0 and store.heap_ms[0] <= stop_ms:
        if clock[C.FIRED] >= TIMER_LIMIT or clock[C.NOTES_N] + NOTES_LIMIT > store.notes.size:
            return TIMERS
        due_ms, row = store.heap_ms[0], whole(store.heap_row[0])
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
        last_ms = clock[C.MAX]
        if time_ms - last_ms > inputs.LEAST_MS and e.row[i] >= 0 and e.live[i] and store.pulse.now[inputs.LIVE]:
            inputs.excuse(store.pulse, last_ms, time_ms, clock[C.GRACE])  # no source says that the silence was real
        to_ms = max(time_ms - clock[C.GRACE], clock[C.ALERT])
        if to_ms > clock[C.ALERT] or (clock[C.HEAP_N] > 0 and store.heap_ms[0] <= to_ms):
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
        applied = _take(store, clock, e, i, rules)
        if applied and e.day[i] < clock[C.FIRST_DAY]:
            clock[C.FIRST_DAY] = e.day[i]
            return FIRST_DAY, i + 1
    return DONE, stop
