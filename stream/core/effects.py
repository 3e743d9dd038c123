"""What an event does to one customer row, where nothing else is concerned.

Owns: duplicates, activity, segments, consent, subscriptions and totals of a row (definitions T7, S, C, R). Knows
nothing of clocks, timers or alerts.
"""

from __future__ import annotations

import numpy as np

from stream.core import batch as columns
from stream.core.kinds import Kind
from stream.core.table import (
    ACTIVITY_DAYS,
    DUPLICATES,
    NO_DAY,
    OPEN_ENDED,
    SEGMENT_CHANGES,
    SUBSCRIPTION_EVENTS,
    SUBSCRIPTIONS,
    Row,
)
from stream.jit import njit

PROFILE_UPDATED = int(Kind.profile_updated)
ORDER_COMPLETED = int(Kind.order_completed)
ORDER_REFUNDED = int(Kind.order_refunded)
SERVICE_COST = int(Kind.service_cost)


@njit(inline=True)
def is_duplicate(r: Row, event_hash: np.uint64) -> bool:
    """Whether the event is among the last ones of this customer; if not, it is from now on (definitions T7)."""
    for k in range(DUPLICATES):
        if r.events[k] == event_hash:
            return True
    r.events[r.event_at] = event_hash
    r.event_at = (r.event_at + 1) % DUPLICATES
    return False


@njit(inline=True)
def set_active(r: Row, day: int) -> None:
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


@njit
def observe_segment(r: Row, time_s: int, code: int) -> None:
    """Keep the last changes of segment in order of time (definitions S2)."""
    n = np.int64(r.segments_n)
    at = n  # the first change after this observation
    while at > 0 and r.segment_s[at - 1] > time_s:
        at -= 1
    if at > 0 and r.segment_s[at - 1] == time_s:
        r.segment[at - 1] = code
        return
    if n > 0 and r.segment[max(at - 1, 0)] == code:
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


@njit
def _subscription_slot(r: Row, ref: np.uint32) -> int:
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


@njit
def set_subscription(r: Row, ref: np.uint64, time_s: int, until_day: int) -> None:
    """Until when the subscription lives, as seen from `time_s` (definitions R2)."""
    slot = _subscription_slot(r, np.uint32(ref & np.uint64(0xFFFFFFFF)))
    first = slot * SUBSCRIPTION_EVENTS
    n = np.int64(r.subscription_n[slot])
    at = n
    while at > 0 and r.subscription_s[first + at - 1] > time_s:
        at -= 1
    if n == SUBSCRIPTION_EVENTS:  # the oldest goes; the next one counts from its time if it lived for ever
        if at == 0:
            if until_day == OPEN_ENDED:
                r.subscription_s[first] = time_s
            return
        if r.subscription_until[first] == OPEN_ENDED:
            if at == 1:
                time_s = int(r.subscription_s[first])
            else:
                r.subscription_s[first + 1] = r.subscription_s[first]
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


@njit(inline=True)
def consent(r: Row, time_s: int, bits: int) -> None:
    """The latest word on each kind of consent counts, by event time (definitions C1)."""
    if bits == columns.NONE:
        return
    for kind in range(2):
        mask = (columns.MARKETING_KNOWN | columns.MARKETING) << (2 * kind)
        if bits & mask and time_s >= r.consent_s[kind]:
            r.consent_s[kind] = time_s
            r.consent = (r.consent & ~mask) | (bits & mask)


@njit(inline=True)
def totals(r: Row, kind: int, amount: int) -> None:
    """Add up what the customer brought and cost."""
    if kind == ORDER_COMPLETED:
        r.orders += 1
        r.revenue += amount
    elif kind == ORDER_REFUNDED:
        r.refunded += amount
    elif kind == SERVICE_COST:
        r.cost_to_serve += amount
    elif kind == PROFILE_UPDATED and amount != columns.NONE:
        r.acquisition_cost = amount
