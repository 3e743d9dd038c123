"""What a row keeps for the figures of a period: revenue by month, the last kinds of event, a word, a membership.

Owns: those fields of a row (definitions W4–W9), and what is read out of them. Compiled; called once for each accepted
event. Knows nothing of days closing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.core.kinds import Kind
from stream.core.row import ANSWERS, MEMBER, MONTHS, SUBSCRIPTION_EVENTS, SUBSCRIPTIONS, More, Row
from stream.jit import njit

MOST_REVENUE = 2**31 - 1  # a month of one customer, either way
KIND_BITS, KIND_MASK, KINDS_KEPT = 8, 255, 4

ORDER_COMPLETED, ORDER_REFUNDED = int(Kind.order_completed), int(Kind.order_refunded)
JOINED, LEFT = int(Kind.programme_joined), int(Kind.programme_left)

_WORDS = ("survey_answered", "review_posted", "ticket_opened", "ticket_reopened", "exit_survey")
# what the business does, or what is said about the customer: nothing that they did or met
_NOT_MET = (
    "profile_updated", "survey_sent", "feedback_answered", "campaign_sent", "service_cost", "customer_erased",
    "alert_muted", "alert_acked", "clock_advanced",
)  # fmt: skip
WORD = np.array([False, *(kind.name in _WORDS for kind in Kind)])
MET = np.array([False, *(kind.name not in _NOT_MET for kind in Kind)])


@njit
def _add_month(r: Row, month: int, amount: int) -> None:
    head = np.int64(r.month_head)
    if head == 0 or month - head >= MONTHS:
        for k in range(MONTHS):
            r.month_revenue[k] = 0
        r.month_head = month
    elif month > head:
        for other in range(head + 1, month + 1):
            r.month_revenue[other % MONTHS] = 0
        r.month_head = month
    elif head - month >= MONTHS:
        return
    total = np.int64(r.month_revenue[month % MONTHS]) + amount
    r.month_revenue[month % MONTHS] = min(max(total, -MOST_REVENUE), MOST_REVENUE)


@njit
def remember(months: NDArray[np.int64], r: Row, kind: int, day: int, amount: int) -> None:
    """Keep of an event what the figures of its period will ask for."""
    if kind == ORDER_COMPLETED:
        _add_month(r, months[max(day, 0)], amount)
    elif kind == ORDER_REFUNDED:
        _add_month(r, months[max(day, 0)], -amount)
    elif kind == JOINED:
        r.member |= MEMBER
    elif kind == LEFT:
        r.member &= 0xFF ^ MEMBER
    if MET[kind]:
        r.kinds = (np.int64(r.kinds) << KIND_BITS | kind) & 0xFFFFFFFF
    if WORD[kind]:
        r.word_day = max(np.int64(r.word_day), min(max(day, 0), 2**16 - 1))


@njit
def keep_answer(m: More, time_s: int, score: int) -> None:
    """Keep the latest NPS answers in order of time (definitions W9)."""
    n = 0
    while n < ANSWERS and m.nps_s[n] != 0:
        n += 1
    at = n
    while at > 0 and m.nps_s[at - 1] > time_s:
        at -= 1
    if n == ANSWERS:
        if at == 0:
            return  # older than all that is kept
        for k in range(n - 1):
            m.nps_s[k] = m.nps_s[k + 1]
            m.nps[k] = m.nps[k + 1]
        n -= 1
        at -= 1
    for k in range(n, at, -1):
        m.nps_s[k] = m.nps_s[k - 1]
        m.nps[k] = m.nps[k - 1]
    m.nps_s[at] = time_s
    m.nps[at] = score


@njit
def answer_between(m: More, begin_s: int, end_s: int) -> int:
    """The last NPS score of the seconds begin_s ≤ t < end_s, -1 without one."""
    for k in range(ANSWERS - 1, -1, -1):
        if m.nps_s[k] != 0 and m.nps_s[k] < end_s:
            return int(m.nps[k]) if m.nps_s[k] >= begin_s else -1
    return -1


@njit
def mrr_at(m: More, day: int, end_s: int) -> int:
    """The MRR of the subscriptions that are live at the end of the day, which is the second `end_s` (W8)."""
    total = np.int64(0)
    for slot in range(SUBSCRIPTIONS):
        first = slot * SUBSCRIPTION_EVENTS
        for k in range(first + m.subscription_n[slot] - 1, first - 1, -1):
            if m.subscription_s[k] < end_s:
                if m.subscription_until[k] > day:
                    total += np.int64(m.subscription_mrr[k])
                break
    return int(total)


@njit
def subscribed_before(m: More, second: int) -> bool:
    """Whether any event of a subscription that is remembered came before a second."""
    for slot in range(SUBSCRIPTIONS):
        if m.subscription_n[slot] > 0 and m.subscription_s[slot * SUBSCRIPTION_EVENTS] < second:
            return True
    return False


@njit
def revenue_between(r: Row, first: int, last: int) -> int:
    """Net order revenue of the months first…last, as far back as the row remembers."""
    head = np.int64(r.month_head)
    total = np.int64(0)
    for month in range(max(first, int(head) - MONTHS + 1), min(last, int(head)) + 1):
        total += r.month_revenue[month % MONTHS]
    return int(total)
