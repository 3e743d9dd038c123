"""The signs in what customers say, pay and meet: answers, tickets, payments, cancelling, pages, carts, neglect.

Owns: when each of those fires and when its cause is gone (definitions X, Y); what a function returns is told in
`core.signals`. Compiled; money in minor units, times in seconds, days as numbers.
"""

from __future__ import annotations

import numpy as np

from stream.core import batch as columns
from stream.core.row import COMPLAINTS, TICKETS, More, Row
from stream.core.signals import FADE_DAYS, NOTHING, Days, ends, faded, graver, opens
from stream.core.signs import Sign
from stream.core.views import Rule
from stream.jit import njit, whole

COOLING, DETRACTOR, COMPLAINT = whole(Sign.cooling), whole(Sign.detractor), whole(Sign.complaint)
PAYMENT_FAILED, CANCELLING = whole(Sign.payment_failed), whole(Sign.cancelling)
POOR_EXPERIENCE, ABANDONING, NEGLECTED = whole(Sign.poor_experience), whole(Sign.abandoning), whole(Sign.neglected)

PAGE_FADE_DAYS = 14.0
DETRACTOR_NPS, DETRACTOR_STARS = 6, 2
COOLING_POINTS = 2
LATELY_PAGES = 20  # loads from which a customer has a usual share of bad ones
# what `cancelling` rests on, in `cancel_why`
CANCELLED, RENEWS_NOT, PLAN_CUT, UNSUBSCRIBED, TERM_ENDS = range(1, 6)
CLOSED = 0x40  # a ticket whose end came before its beginning
REPLIED = 0x20  # since it was last opened or reopened
COMPLAINED = 0x08  # it is a complaint, as its opening said
PRIORITY = 0x03


# -- what they say ----------------------------------------------------------------------------------------------------


@njit
def answers(m: More, time_s: int, day: int, score: int, survey: int, episodes: Days) -> int:
    """`cooling` and `detractor`: an answer against the last one of the same survey (definitions Y1, Y2)."""
    if time_s < m.score_s[survey]:
        return NOTHING
    last = whole(m.score[survey]) - 1
    m.score[survey] = score + 1
    m.score_s[survey] = time_s
    if score <= (DETRACTOR_NPS if survey == columns.NPS else DETRACTOR_STARS):
        return opens(DETRACTOR, day, episodes)
    asks = ends(DETRACTOR)
    if last >= 0 and last - score >= COOLING_POINTS:
        m.cooling_survey = survey
        m.cooling_from = last
        asks |= opens(COOLING, day, episodes)
    elif score > last:
        asks |= ends(COOLING)
    return asks


@njit
def _complains(m: More, day: int, t: Rule) -> bool:
    """Remember a day of a complaint; whether there are enough of them in the window."""
    at = 0
    for k in range(1, COMPLAINTS):
        if m.complaint_day[k] < m.complaint_day[at]:
            at = k
    m.complaint_day[at] = max(day, m.complaint_day[at])
    n = 0
    for k in range(COMPLAINTS):
        if day - t.complaint_days < m.complaint_day[k] <= day:
            n += 1
    return n >= t.complaints


@njit
def _place(m: More, ticket: np.uint32) -> int:
    """The place of a ticket, else a free one, else that of the oldest whose beginning never came, else -1."""
    free = -1
    for k in range(TICKETS):
        if m.ticket_s[k] != 0 and m.ticket[k] == ticket:
            return k
        if m.ticket_s[k] == 0:
            if free < 0 or m.ticket_s[free] != 0:
                free = k
        elif m.ticket_bits[k] & CLOSED and (free < 0 or m.ticket_s[k] < m.ticket_s[free] != 0):
            free = k
    return free


@njit
def ticket_opens(
    m: More, ref: np.uint64, time_s: int, day: int, complaint: int, priority: int, reopened: int, t: Rule,
    episodes: Days,
) -> int:  # fmt: skip
    """`complaint`: a ticket is opened or reopened; too many complaints are a sign at once (definitions Y3)."""
    ticket = np.uint32(ref & np.uint64(0xFFFFFFFF))
    k = _place(m, ticket)
    if k >= 0:
        known = m.ticket_s[k] != 0 and m.ticket[k] == ticket
        if not known or m.ticket_s[k] < time_s:
            said = m.ticket_bits[k] & COMPLAINED if known else 0
            m.ticket[k] = ticket
            m.ticket_s[k] = time_s
            m.ticket_bits[k] = priority & PRIORITY | (COMPLAINED if complaint else said)
        elif m.ticket_bits[k] & CLOSED:
            m.ticket_s[k] = 0  # its end came first
    asks = graver(COMPLAINT) if reopened else NOTHING
    if complaint and _complains(m, day, t):
        asks |= opens(COMPLAINT, day, episodes)
    return asks


@njit
def ticket_closes(m: More, ref: np.uint64, time_s: int) -> int:
    """A ticket is resolved; once none is open, neither is the sign (definitions Y3)."""
    ticket = np.uint32(ref & np.uint64(0xFFFFFFFF))
    k = _place(m, ticket)
    if k >= 0:
        if m.ticket_s[k] == 0 or m.ticket[k] != ticket:
            m.ticket[k] = ticket
            m.ticket_s[k] = time_s
            m.ticket_bits[k] = CLOSED
        elif time_s >= m.ticket_s[k]:
            m.ticket_s[k] = 0
        else:
            return NOTHING  # it was opened again since
    for other in range(TICKETS):
        if m.ticket_s[other] != 0 and not m.ticket_bits[other] & CLOSED:
            return NOTHING
    return ends(COMPLAINT)


@njit
def ticket_replied(m: More, ref: np.uint64, time_s: int) -> None:
    """A ticket that is open has an answer: only the first is timed (definitions D3)."""
    ticket = np.uint32(ref & np.uint64(0xFFFFFFFF))
    for k in range(TICKETS):
        if m.ticket[k] == ticket and 0 < m.ticket_s[k] <= time_s and not m.ticket_bits[k] & CLOSED:
            m.ticket_bits[k] |= REPLIED


# -- what they pay ----------------------------------------------------------------------------------------------------


@njit
def payment_fails(m: More, time_s: int, day: int, final: int, t: Rule, episodes: Days) -> int:
    """`payment_failed`: a charge did not go through; a sign after a while, or at once if final (Y4)."""
    if time_s <= m.recovered_s:
        return NOTHING
    if final:
        m.failed_s = max(whole(m.failed_s), time_s)
        m.failed_due_s = 0
        return opens(PAYMENT_FAILED, day, episodes) | graver(PAYMENT_FAILED)
    if m.failed_s == 0:
        m.failed_due_s = time_s + t.patience_s
    m.failed_s = max(whole(m.failed_s), time_s)
    return NOTHING


@njit
def payment_recovers(m: More, time_s: int) -> int:
    """A charge went through (definitions Y4)."""
    m.recovered_s = max(whole(m.recovered_s), time_s)
    if m.failed_s > time_s:
        return NOTHING
    m.failed_s = m.failed_due_s = 0
    return ends(PAYMENT_FAILED)


@njit
def cancels(r: Row, m: More, day: int, why: int, episodes: Days) -> int:
    """`cancelling`, for one of the reasons above (definitions Y5)."""
    if not r.open & (1 << CANCELLING):
        m.cancel_why = why
    return opens(CANCELLING, day, episodes)


@njit
def subscription(
    r: Row, m: More, place: int, day: int, mrr: int, ends_s: int, how: int, t: Rule, episodes: Days
) -> int:
    """`cancelling`: the latest event of a subscription, in `place` (definitions Y5).

    `how` is CANCELLED or RENEWS_NOT when the event says so, else NOTHING; `ends_s` is the end of a term that does not
    renew by itself, 0 without one; an `mrr` of NONE is as before.
    """
    was_cut = mrr != columns.NONE and mrr < m.mrr[place] * (1.0 - t.plan_cut)
    if mrr != columns.NONE:
        m.mrr[place] = mrr
    m.ends_s[place] = ends_s
    if how != NOTHING:
        return cancels(r, m, day, how, episodes)
    if was_cut:
        return cancels(r, m, day, PLAN_CUT, episodes)
    return ends(CANCELLING)


# -- what they meet ---------------------------------------------------------------------------------------------------


@njit
def page_loads(m: More, day: int, load_ms: int, bits: int, t: Rule, episodes: Days) -> int:
    """`poor_experience`: bad page loads lately, against the customer's own usual share (definitions X1)."""
    bad = load_ms > t.slow_ms or bits & columns.PAGE_OK == 0 or bits & columns.PAGE_ABANDONED != 0
    usual = m.bad_loads_n / m.loads_n if m.loads_n >= LATELY_PAGES else 0.0
    days = day - whole(m.page_day) if m.page_day != 0 else 0
    m.loads = faded(m.loads, days, PAGE_FADE_DAYS) + 1.0
    m.bad_loads = faded(m.bad_loads, days, PAGE_FADE_DAYS) + (1.0 if bad else 0.0)
    m.page_day = max(day, whole(m.page_day))
    m.loads_n += 1
    m.bad_loads_n += 1 if bad else 0
    share = m.bad_loads / m.loads
    if bad:
        fires = m.bad_loads >= t.bad_loads and share >= max(t.bad_share, 2.0 * usual)
        return opens(POOR_EXPERIENCE, day, episodes) if fires else NOTHING
    return ends(POOR_EXPERIENCE) if share <= t.bad_share / 2 else NOTHING


@njit
def left_now(m: More, day: int) -> float:
    """What was left lately, as of a day."""
    return faded(float(m.left), day - whole(m.left_day), FADE_DAYS) if m.left_day != 0 else 0.0


@njit
def leaves(r: Row, m: More, time_s: int, day: int, t: Rule, episodes: Days) -> int:
    """`abandoning`: a cart left or an order given back, against what is usual for this customer (definitions X2)."""
    tenure_days = max((time_s - whole(r.first_s)) / 86_400.0, FADE_DAYS)
    usual = m.left_n * FADE_DAYS / tenure_days
    m.left = left_now(m, day) + 1.0
    m.left_day = max(day, whole(m.left_day))
    m.left_n += 1
    return opens(ABANDONING, day, episodes) if m.left >= max(t.left, 2.0 * usual) else NOTHING


@njit
def comes_back(m: More, day: int, t: Rule) -> int:
    """An order ends `abandoning` when little was left lately (definitions X2)."""
    return ends(ABANDONING) if left_now(m, day) < t.left / 2 else NOTHING


@njit
def contacted(m: More, time_s: int) -> int:
    """`neglected`: somebody was in touch with the customer (definitions X3)."""
    m.contact_s = max(whole(m.contact_s), time_s)
    return ends(NEGLECTED)
