"""What makes a sign of behaviour fire: one small function a sign, over a row, an event and the policy.

Owns: when each sign of behaviour but `silent` fires, when its cause is gone, and the few numbers that it keeps, O(1)
each (definitions B); `core.troubles` has the others. A function changes the numbers and returns what it asks for:
alerts to open, to end as recovered, to escalate, as bits by Sign, and where it asks for an opening, the episode's day
in `episodes`. Whether that is granted is `core.life`'s. Compiled; money in minor units, times in seconds, days as
numbers.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from stream.core.row import SIGNS, More, Row
from stream.core.signs import Sign
from stream.core.views import Rule
from stream.jit import njit, whole

Days: TypeAlias = NDArray[np.int64]  # by Sign

BUYING_LESS_OFTEN, SPENDING_LESS = whole(Sign.buying_less_often), whole(Sign.spending_less)
ENGAGING_LESS, NEVER_ACTIVATED = whole(Sign.engaging_less), whole(Sign.never_activated)

NOTHING = 0
ENDS, GRAVER = SIGNS, 2 * SIGNS  # where those bits begin

FADE_DAYS = 28.0  # spend, engagement, what was left: weight 1/e after so many days
SPEND_TENURE_DAYS = 84  # a usual spend needs three times what fades
CUSUM_C = 0.3  # tuned to see a rate fall to three tenths of the usual
LN_CUSUM_C = math.log(CUSUM_C)
LONGEST_GAPS = 4.0  # a gap counts at most as so many usual ones: `silent` is for longer ones


LOOKED = 0x80  # of a ticket: its target was looked at; of `uses`: the activation was
ACTIVATED_MOST = 0x7F
TRIAL_OVER, MOST_TRIAL_USES = 0x80, 0x7F  # of `trial_uses`


@njit
def opens(sign: int, day: int, episodes: Days) -> int:
    """Ask for an alert of an episode's day."""
    episodes[sign] = day
    return 1 << sign


@njit
def ends(sign: int) -> int:
    """Ask for the end of an alert: its cause is gone."""
    return 1 << (ENDS + sign)


@njit
def graver(sign: int) -> int:
    """Ask for an alert to escalate."""
    return 1 << (GRAVER + sign)


@njit
def faded(value: float, days: int, fade_days: float) -> float:
    """What is left of a value after some days."""
    return value * math.exp(-days / fade_days) if days > 0 else value


@njit
def spend_then(spend: float, spend_day: int, purchase_day: int) -> float:
    """The faded spend (definitions B2) as of the last purchase, in minor units."""
    return faded(spend, purchase_day - spend_day, FADE_DAYS)


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
        return opens(BUYING_LESS_OFTEN, last, episodes)
    return ends(BUYING_LESS_OFTEN) if r.rarer <= t.rarer / 2 else NOTHING


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
        return opens(SPENDING_LESS, last, episodes)
    return ends(SPENDING_LESS) if share >= (1.0 + t.spend_share) / 2 else NOTHING


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
        return opens(ENGAGING_LESS, last, episodes)
    steady = r.engage_rarer <= t.engage_rarer / 2 and share >= (1.0 + t.engage_share) / 2
    return ends(ENGAGING_LESS) if steady else NOTHING


@njit
def may_begin(r: Row, m: More) -> bool:
    """Whether a trial or a subscription would be the first one (definitions B4)."""
    return bool(r.episode[NEVER_ACTIVATED] == 0 and m.activate_s == 0 and m.uses == 0)


@njit
def begins(r: Row, m: More, time_s: int) -> None:
    """A trial or a subscription began: from the first one on uses are counted (definitions B4)."""
    if may_begin(r, m):
        m.activate_s = time_s


@njit
def trial_begins(m: More, time_s: int) -> None:
    """A trial, unless one is on already (definitions D5)."""
    if m.trial_s == 0 or m.trial_uses & TRIAL_OVER:
        m.trial_s = time_s
        m.trial_uses = 0


@njit
def trial_ends(m: More, time_s: int, paid: bool) -> None:  # noqa: FBT001 (what `paid`)
    """A trial is over, or paid and done with (definitions D5)."""
    if m.trial_s == 0 or time_s < m.trial_s:
        return
    m.trial_uses |= TRIAL_OVER
    if paid:
        m.trial_s = m.trial_uses = 0


@njit
def uses(m: More, time_s: int, t: Rule) -> int:
    """`never_activated`: a use of the product by somebody who may not be activated yet (definitions B4)."""
    if m.trial_s != 0 and time_s >= m.trial_s and m.trial_uses < MOST_TRIAL_USES:
        m.trial_uses += 1
    if m.activate_s == 0 or time_s < m.activate_s:
        return NOTHING
    m.uses += 1
    if m.uses & ACTIVATED_MOST < t.activation_uses:
        return NOTHING
    m.activate_s = 0
    return ends(NEVER_ACTIVATED)
