"""What makes a sign fire: one small function a sign, over a row, an event and the policy.

Owns: when each sign but `silent` fires, when its cause is gone, and the few numbers that it keeps, O(1) each
(definitions B, X, Y). A function changes the numbers and returns what it asks for: alerts to open, to end as recovered,
to escalate, as bits by Sign, and where it asks for an opening, the episode's day in `episodes`. Whether that is granted
is `core.life`'s. Compiled; money in minor units, times in seconds, days as numbers.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from stream.core import batch as columns
from stream.core.signs import Sign
from stream.core.table import COMPLAINTS, SIGNS, TICKETS, More, Row
from stream.core.views import Rule
from stream.jit import njit, whole

Days: TypeAlias = NDArray[np.int64]  # by Sign

BUYING_LESS_OFTEN, SPENDING_LESS = int(Sign.buying_less_often), int(Sign.spending_less)
ENGAGING_LESS, NEVER_ACTIVATED = int(Sign.engaging_less), int(Sign.never_activated)
COOLING, DETRACTOR, COMPLAINT = int(Sign.cooling), int(Sign.detractor), int(Sign.complaint)
PAYMENT_FAILED, CANCELLING = int(Sign.payment_failed), int(Sign.cancelling)
POOR_EXPERIENCE, ABANDONING, NEGLECTED = int(Sign.poor_experience), int(Sign.abandoning), int(Sign.neglected)

NOTHING = 0
ENDS, GRAVER = SIGNS, 2 * SIGNS  # where those bits begin

FADE_DAYS = 28.0  # spend, engagement, what was left: weight 1/e after so many days
PAGE_FADE_DAYS = 14.0
SPEND_TENURE_DAYS = 84  # a usual spend needs three times what fades
CUSUM_C = 0.3  # tuned to see a rate fall to three tenths of the usual
LN_CUSUM_C = math.log(CUSUM_C)
LONGEST_GAPS = 4.0  # a gap counts at most as so many usual ones: `silent` is for longer ones
DETRACTOR_NPS, DETRACTOR_STARS = 6, 2
COOLING_POINTS = 2
LATELY_PAGES = 20  # loads from which a customer has a usual share of bad ones

# what `cancelling` rests on, in `cancel_why`
CANCELLED, RENEWS_NOT, PLAN_CUT, UNSUBSCRIBED, TERM_ENDS = range(1, 6)

LOOKED = 0x80  # of a ticket: its target was looked at; of `uses`: the activation was
CLOSED = 0x40  # a ticket whose end came before its beginning
PRIORITY = 0x03
ACTIVATED_MOST = 0x7F


@njit
def _opens(sign: int, day: int, episodes: Days) -> int:
    episodes[sign] = day
    return 1 << sign


@njit
def _ends(sign: int) -> int:
    return 1 << (ENDS + sign)


@njit
def _graver(sign: int) -> int:
    return 1 << (GRAVER + sign)


@njit
def faded(value: float, days: int, fade_days: float) -> float:
    """What is left of a value after some days."""
    return value * math.exp(-days / fade_days) if days > 0 else value


# -- how often, how much ----------------------------------------------------------------------------------------------


@njit
def rarer(sum_before: float, gap_days: int, gaps_days: int, gaps: int, usual_gap_days: float) -> float:
    """CUSUM of gaps against the customer's own mean gap, shrunk to the population's (two gaps' worth): DESIGN §5.

    `gaps` gaps of `gaps_days` days together came before this one.
    """
    mean = (gaps_days + 2.0 * usual_gap_days) / (gaps + 2.0)
    return max(0.0, sum_before + LN_CUSUM_C + (1.0 - CUSUM_C) * min(gap_days / mean, LONGEST_GAPS))


@njit
def buying(r: Row, day: int, t: Rule, episodes: Days) -> int:
    """`buying_less_often`: a purchase on a later day than the last one, before it is counted (definitions B1)."""
    if r.purchase_days == 0:
        r.first_purchase = day
        return NOTHING
    gaps, last = whole(r.purchase_days) - 1, whole(r.purchase_day)
    r.rarer = rarer(r.rarer, day - last, last - r.first_purchase, gaps, t.usual_gap_days)
    if gaps + 1 >= t.min_gaps and r.rarer >= t.rarer:
        return _opens(BUYING_LESS_OFTEN, last, episodes)
    return _ends(BUYING_LESS_OFTEN) if r.rarer <= t.rarer / 2 else NOTHING


@njit
def spending(r: Row, day: int, amount: int, t: Rule, episodes: Days) -> int:
    """`spending_less`: an order, already in the totals, against the usual spend in FADE_DAYS days (definitions B2)."""
    if r.first_spend == 0:
        r.first_spend = r.spend_day = day
        r.spend = float(amount)
        return NOTHING
    last = whole(r.spend_day)
    if day < last:
        return NOTHING
    r.spend = faded(r.spend, day - last, FADE_DAYS) + amount
    r.spend_day = day
    tenure_days = day - whole(r.first_spend)
    if r.orders < t.min_orders or tenure_days < SPEND_TENURE_DAYS or r.revenue <= 0:
        return NOTHING
    share = r.spend * tenure_days / (r.revenue * FADE_DAYS)
    if share <= t.spend_share:
        return _opens(SPENDING_LESS, last, episodes)
    return _ends(SPENDING_LESS) if share >= (1.0 + t.spend_share) / 2 else NOTHING


@njit
def engage_share(r: Row, day: int) -> float:
    """Days of use lately against what is usual for this customer; 1 without a usual."""
    tenure_days = day - whole(r.first_engage)
    if tenure_days < SPEND_TENURE_DAYS:
        return 1.0
    return float(r.engage * tenure_days / (r.engage_days * FADE_DAYS))


@njit
def engaging(r: Row, day: int, t: Rule, episodes: Days) -> int:
    """`engaging_less`: use of the product, by days, as `buying` and `spending` (definitions B3)."""
    last, gaps = whole(r.engage_day), whole(r.engage_days) - 1
    if gaps < 0:
        r.first_engage = r.engage_day = day
        r.engage_days = 1
        r.engage = 1.0
        return NOTHING
    if day <= last:
        return NOTHING
    r.engage_rarer = rarer(r.engage_rarer, day - last, last - r.first_engage, gaps, t.engage_usual_gap_days)
    r.engage = faded(r.engage, day - last, FADE_DAYS) + 1.0
    r.engage_day = day
    r.engage_days += 1
    share = engage_share(r, day)
    if gaps + 1 >= t.engage_min_gaps and (r.engage_rarer >= t.engage_rarer or share <= t.engage_share):
        return _opens(ENGAGING_LESS, last, episodes)
    steady = r.engage_rarer <= t.engage_rarer / 2 and share >= (1.0 + t.engage_share) / 2
    return _ends(ENGAGING_LESS) if steady else NOTHING


@njit
def begins(r: Row, m: More, time_s: int) -> None:
    """A trial or a subscription began: from the first one on uses are counted (definitions B4)."""
    if r.episode[NEVER_ACTIVATED] == 0 and m.activate_s == 0 and m.uses == 0:
        m.activate_s = time_s


@njit
def uses(m: More, time_s: int, t: Rule) -> int:
    """`never_activated`: a use of the product by somebody who may not be activated yet (definitions B4)."""
    if m.activate_s == 0 or time_s < m.activate_s:
        return NOTHING
    m.uses += 1
    if m.uses & ACTIVATED_MOST < t.activation_uses:
        return NOTHING
    m.activate_s = 0
    return _ends(NEVER_ACTIVATED)


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
        return _opens(DETRACTOR, day, episodes)
    asks = _ends(DETRACTOR)
    if last >= 0 and last - score >= COOLING_POINTS:
        m.cooling_survey = survey
        m.cooling_from = last
        asks |= _opens(COOLING, day, episodes)
    elif score > last:
        asks |= _ends(COOLING)
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
        if m.ticket_s[k] == 0 or m.ticket[k] != ticket or m.ticket_s[k] < time_s:
            m.ticket[k] = ticket
            m.ticket_s[k] = time_s
            m.ticket_bits[k] = priority & PRIORITY
        elif m.ticket_bits[k] & CLOSED:
            m.ticket_s[k] = 0  # its end came first
    asks = _graver(COMPLAINT) if reopened else NOTHING
    if complaint and _complains(m, day, t):
        asks |= _opens(COMPLAINT, day, episodes)
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
    return _ends(COMPLAINT)


# -- what they pay ----------------------------------------------------------------------------------------------------


@njit
def payment_fails(m: More, time_s: int, day: int, final: int, t: Rule, episodes: Days) -> int:
    """`payment_failed`: a charge did not go through; a sign after a while, or at once if final (Y4)."""
    if time_s <= m.recovered_s:
        return NOTHING
    if final:
        m.failed_s = max(whole(m.failed_s), time_s)
        m.failed_due_s = 0
        return _opens(PAYMENT_FAILED, day, episodes) | _graver(PAYMENT_FAILED)
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
    return _ends(PAYMENT_FAILED)


@njit
def cancels(r: Row, m: More, day: int, why: int, episodes: Days) -> int:
    """`cancelling`, for one of the reasons above (definitions Y5)."""
    if not r.open & (1 << CANCELLING):
        m.cancel_why = why
    return _opens(CANCELLING, day, episodes)


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
    return _ends(CANCELLING)


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
        return _opens(POOR_EXPERIENCE, day, episodes) if fires else NOTHING
    return _ends(POOR_EXPERIENCE) if share <= t.bad_share / 2 else NOTHING


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
    return _opens(ABANDONING, day, episodes) if m.left >= max(t.left, 2.0 * usual) else NOTHING


@njit
def comes_back(m: More, day: int, t: Rule) -> int:
    """An order ends `abandoning` when little was left lately (definitions X2)."""
    return _ends(ABANDONING) if left_now(m, day) < t.left / 2 else NOTHING


@njit
def contacted(m: More, time_s: int) -> int:
    """`neglected`: somebody was in touch with the customer (definitions X3)."""
    m.contact_s = max(whole(m.contact_s), time_s)
    return _ends(NEGLECTED)
