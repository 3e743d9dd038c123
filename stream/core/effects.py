"""What an event does to one customer row, where nothing else is concerned.

Owns: duplicates, activity, segments, consent, subscriptions and totals of a row (definitions T7, S, C, R). Knows
nothing of clocks, timers or alerts.
"""

from __future__ import annotations

import numpy as np

from stream.core import batch as columns
from stream.core.row import (
    ACTIVITY_DAYS,
    DUPLICATES,
    NO_DAY,
    OPEN_ENDED,
    SEGMENT_CHANGES,
    SUBSCRIPTION_EVENTS,
    SUBSCRIPTIONS,
    More,
    Row,
)
from stream.jit import njit

MOST_MRR = 2**32 - 1  # of one subscription, in minor units


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
def _subscription_slot(m: More, ref: np.uint32) -> int:
    """The place of this subscription: its own, a free one, or the one whose last event is the oldest."""
    oldest = 0
    for k in range(SUBSCRIPTIONS):
        if m.subscription_n[k] == 0 or m.subscription[k] == ref:
            if m.subscription_n[k] == 0:
                m.subscription[k] = ref
            return k
        last = k * SUBSCRIPTION_EVENTS + m.subscription_n[k] - 1
        if m.subscription_s[last] < m.subscription_s[oldest * SUBSCRIPTION_EVENTS + m.subscription_n[oldest] - 1]:
            oldest = k
    m.subscription[oldest] = ref
    m.subscription_n[oldest] = 0
    m.mrr[oldest] = m.ends_s[oldest] = 0
    return oldest


@njit
def set_subscription(m: More, ref: np.uint64, time_s: int, until_day: int, mrr: int) -> tuple[int, bool]:
    """Until when the subscription lives, as seen from `time_s` (definitions R2), and its MRR from then on (W8).

    Returns its place, and whether this is the latest event of it.
    """
    slot = _subscription_slot(m, np.uint32(ref & np.uint64(0xFFFFFFFF)))
    first = slot * SUBSCRIPTION_EVENTS
    n = np.int64(m.subscription_n[slot])
    at = n
    while at > 0 and m.subscription_s[first + at - 1] > time_s:
        at -= 1
    if mrr == columns.NONE:  # as before
        mrr = int(m.subscription_mrr[first + at - 1]) if at > 0 else 0
    if n == SUBSCRIPTION_EVENTS:  # the oldest goes; the next one counts from its time if it lived for ever
        if at == 0:
            if until_day == OPEN_ENDED:
                m.subscription_s[first] = time_s
            return slot, False
        if m.subscription_until[first] == OPEN_ENDED:
            if at == 1:
                time_s = int(m.subscription_s[first])
            else:
                m.subscription_s[first + 1] = m.subscription_s[first]
        for k in range(first, first + n - 1):
            m.subscription_s[k] = m.subscription_s[k + 1]
            m.subscription_until[k] = m.subscription_until[k + 1]
            m.subscription_mrr[k] = m.subscription_mrr[k + 1]
        n -= 1
        at -= 1
    for k in range(first + n, first + at, -1):
        m.subscription_s[k] = m.subscription_s[k - 1]
        m.subscription_until[k] = m.subscription_until[k - 1]
        m.subscription_mrr[k] = m.subscription_mrr[k - 1]
    m.subscription_s[first + at] = time_s
    m.subscription_until[first + at] = until_day
    m.subscription_mrr[first + at] = min(mrr, MOST_MRR)
    m.subscription_n[slot] = n + 1
    return slot, at == n


@njit(inline=True)
def consent(r: Row, m: More, time_s: int, bits: int) -> None:
    """The latest word on each kind of consent counts, by event time (definitions C1)."""
    if bits == columns.NONE:
        return
    for kind in range(2):
        mask = (columns.MARKETING_KNOWN | columns.MARKETING) << (2 * kind)
        if bits & mask and time_s >= m.consent_s[kind]:
            m.consent_s[kind] = time_s
            r.consent = (r.consent & (0xFF ^ mask)) | (bits & mask)
