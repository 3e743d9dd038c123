"""Why a sign fired: in numbers, and in words that can be read out to the customer.

Owns: the sentence of each sign. Made of a customer's row as it was at that moment; knows nothing of chances, of values
or of how an alert lives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from stream.core import signals, troubles
from stream.core.calendar import Calendar
from stream.core.money import from_minor
from stream.core.policy import Policy
from stream.core.row import COMPLAINTS, TICKETS, More, Row
from stream.core.signrules import PRIORITIES
from stream.core.signs import Sign
from stream.core.silence import SilenceParams, gap_quantile_days, predictive

_EIGHT_OF_TEN = 0.8416212335729143  # standard normal quantile of .8
DAY_S = 86_400
_SURVEYS = (("NPS", 10), ("CSAT", 5), ("a review", 5))
_WHY_CANCELLING = {
    troubles.CANCELLED: "cancelled a subscription",
    troubles.RENEWS_NOT: "switched off the renewal of a subscription",
    troubles.PLAN_CUT: "moved to a smaller plan",
    troubles.UNSUBSCRIBED: "unsubscribed from messages",
    troubles.TERM_ENDS: "a term is about to end, and it has not been used lately",
}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Why: one sign, in numbers and in words that can be read out."""

    sign: str
    says: str
    observed: float
    expected: float
    threshold: float
    unit: str


@dataclass(frozen=True, slots=True)
class Case:
    """A customer's row at a moment (epoch seconds), and what the row is read with."""

    row: Row
    more: More
    at_s: int
    policy: Policy
    days: Calendar
    silence: SilenceParams

    def opened_day(self, sign: Sign) -> int:
        """The business day on which the sign's alert opened."""
        return self.days.day(int(self.row["opened_s"][sign]) * 1000)


def evidence(sign: Sign, case: Case) -> Evidence:
    """What there is to say of a sign whose alert is open, or has just ended."""
    says, observed, expected, threshold, unit = _OF[sign](case)
    return Evidence(
        sign=sign.name,
        says=says,
        observed=round(float(observed), 2),
        expected=round(float(expected), 2),
        threshold=round(float(threshold), 2),
        unit=unit,
    )


_Said = tuple[str, float, float, float, str]


def _count(number: float, thing: str) -> str:
    """Say how many: "1 day", "2.5 days".

    >>> _count(1, "day"), _count(2.52, "day")
    ('1 day', '2.5 days')
    """
    shown = f"{number:.1f}".removesuffix(".0")
    return f"{shown} {thing}" if shown == "1" else f"{shown} {thing}s"


def _silent(case: Case) -> _Said:
    row = case.row
    loc, scale = predictive(float(row["gap_mean"]), float(row["gap_square"]), float(row["gap_weight"]), case.silence)
    days = silent_days(row)
    expected = max(1, math.ceil(gap_quantile_days(_EIGHT_OF_TEN, loc, scale)))
    says = f"{_count(days, 'day')} without an order; 8 of 10 of their gaps end within {_count(expected, 'day')}"
    return says, days, expected, days, "days"


def silent_days(row: Row) -> int:
    """How long the silence had been when its alert opened."""
    return max(1, round((int(row["opened_s"][Sign.silent]) - int(row["purchase_s"])) / DAY_S))


def _buying_less_often(case: Case) -> _Said:
    row = case.row
    usual = (int(row["purchase_day"]) - int(row["first_purchase"])) / max(int(row["purchase_days"]) - 1, 1)
    says = _long_gap(case, Sign.buying_less_often, "purchases", usual)
    return says, float(row["rarer"]), 0, case.policy.signals.rarer, "cusum"


def _long_gap(case: Case, sign: Sign, of: str, usual_days: float) -> str:
    gap = case.opened_day(sign) - int(case.row["episode"][sign])
    says = f"{_count(gap, 'day')} between the last two {of}, where {_count(usual_days, 'day')} are usual"
    return f"{says}, and not for the first time"


def _spending_less(case: Case) -> _Said:
    row, currency = case.row, case.policy.currency
    tenure_days = max(int(row["spend_day"]) - int(row["first_spend"]), 1)
    usual = int(row["revenue"]) / tenure_days * signals.FADE_DAYS
    now, usual = (from_minor(round(minor), currency) for minor in (float(row["spend"]), usual))
    says = f"spends {now:.2f} {currency} in four weeks, where {usual:.2f} {currency} is usual"
    return says, now, usual, usual * case.policy.signals.spend_share, currency


def _engaging_less(case: Case) -> _Said:
    row, signs = case.row, case.policy.signals
    tenure_days = max(int(row["engage_day"]) - int(row["first_engage"]), 1)
    now, usual = float(row["engage"]), int(row["engage_days"]) / tenure_days * signals.FADE_DAYS
    least = usual * signs.engage_share
    if now > least:  # then it is the gaps that have become long (definitions B3)
        between = tenure_days / max(int(row["engage_days"]) - 1, 1)
        says = _long_gap(case, Sign.engaging_less, "visits", between)
        return says, float(row["engage_rarer"]), 0, signs.engage_rarer, "cusum"
    says = f"came on about {_count(now, 'day')} in four weeks, where {_count(usual, 'day')} are usual"
    return says, now, usual, least, "days"


def _never_activated(case: Case) -> _Said:
    s = case.policy.signals
    uses = int(case.more["uses"]) & signals.ACTIVATED_MOST
    since = _count(s.activation_days, "day")
    return (
        f"{_count(uses, 'use')} in the first {since}; {s.activation_uses} are a beginning",
        uses,
        s.activation_uses,
        s.activation_uses,
        "uses",
    )


def _cooling(case: Case) -> _Said:
    more = case.more
    survey, before = int(more["cooling_survey"]), int(more["cooling_from"])
    score = max(int(more["score"][survey]) - 1, 0)
    name, most = _SURVEYS[survey]
    return (
        f"{score} of {most} ({name}), after {before} the time before",
        score,
        before,
        before - troubles.COOLING_POINTS,
        "points",
    )


def _detractor(case: Case) -> _Said:
    scores = [int(score) - 1 for score in case.more["score"]]
    limits = (troubles.DETRACTOR_NPS, troubles.DETRACTOR_STARS, troubles.DETRACTOR_STARS)
    given = [k for k, score in enumerate(scores) if 0 <= score <= limits[k]]
    survey = max(
        given, key=lambda k: int(case.more["score_s"][k]), default=max(range(3), key=lambda k: case.more["score_s"][k])
    )
    name, most = _SURVEYS[survey]
    return f"{scores[survey]} of {most} ({name})", scores[survey], most, limits[survey], "points"


def _complaint(case: Case) -> _Said:
    more, s = case.more, case.policy.signals
    overdue = [
        k for k in range(TICKETS)
        if more["ticket_s"][k] and int(more["ticket_bits"][k]) & (signals.LOOKED | troubles.CLOSED) == signals.LOOKED
    ]  # fmt: skip
    if overdue:
        oldest = min(overdue, key=lambda k: int(more["ticket_s"][k]))
        priority = int(more["ticket_bits"][oldest]) & troubles.PRIORITY
        hours, target = (case.at_s - int(more["ticket_s"][oldest])) / 3600, s.target_hours[priority]
        says = f"a ticket ({PRIORITIES[priority]} priority) has been open for {_count(hours, 'hour')}"
        says = f"{says}; {_count(target, 'hour')} was the target"
        return says, hours, target, target, "hours"
    day = case.opened_day(Sign.complaint)
    known = [int(more["complaint_day"][k]) for k in range(COMPLAINTS)]
    number = sum(day - s.complaint_days < one <= day for one in known)
    return (
        f"{_count(number, 'complaint')} within {_count(s.complaint_days, 'day')}",
        number,
        0,
        s.complaints,
        "complaints",
    )


def _payment_failed(case: Case) -> _Said:
    days = case.days.day(case.at_s * 1000) - int(case.row["episode"][Sign.payment_failed])
    return (
        f"a charge failed {'today' if days == 0 else _count(days, 'day') + ' ago'} and has not gone through",
        days,
        0,
        0,
        "days",
    )


def _cancelling(case: Case) -> _Said:
    return _WHY_CANCELLING.get(int(case.more["cancel_why"]), "is about to cancel"), 1, 0, 1, "events"


def _poor_experience(case: Case) -> _Said:
    more = case.more
    bad, loads = float(more["bad_loads"]), max(float(more["loads"]), 1.0)
    usual = int(more["bad_loads_n"]) / max(int(more["loads_n"]), 1)
    says = f"{bad / loads:.0%} of their pages lately were slow, failed or given up on; {usual:.0%} over all"
    return says, bad / loads, usual, case.policy.signals.bad_share, "share"


def _abandoning(case: Case) -> _Said:
    row, more = case.row, case.more
    tenure_days = max((case.at_s - int(row["first_s"])) / DAY_S, signals.FADE_DAYS)
    usual = max(int(more["left_n"]) - 1, 0) * signals.FADE_DAYS / tenure_days
    says = f"left or gave back about {_count(float(more['left']), 'cart')} in four weeks, where {usual:.1f} is usual"
    return says, float(more["left"]), usual, case.policy.signals.left, "carts"


def _neglected(case: Case) -> _Said:
    days = case.opened_day(Sign.neglected) - int(case.row["episode"][Sign.neglected])
    threshold = case.policy.signals.neglect_days
    return f"nobody was in touch for {_count(days, 'day')}", days, threshold, threshold, "days"


_OF: Final[dict[Sign, Callable[[Case], _Said]]] = {
    Sign.silent: _silent,
    Sign.buying_less_often: _buying_less_often,
    Sign.spending_less: _spending_less,
    Sign.engaging_less: _engaging_less,
    Sign.never_activated: _never_activated,
    Sign.cooling: _cooling,
    Sign.detractor: _detractor,
    Sign.complaint: _complaint,
    Sign.payment_failed: _payment_failed,
    Sign.cancelling: _cancelling,
    Sign.poor_experience: _poor_experience,
    Sign.abandoning: _abandoning,
    Sign.neglected: _neglected,
}
