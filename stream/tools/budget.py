"""The sign `buying_less_often` on a history: the threshold that spends an alert budget, and how often it is right.

Owns: both. The budget is alerts per customer and 28 days. An alert is right when in the RIGHT_DAYS days after it the
customer bought on less than FEWER of the days that their gaps before it let expect. The statistic is the core's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

from stream.core.policy import Policy
from stream.core.signals import rarer
from stream.core.signs import Sign
from stream.tools.history import History
from stream.tools.measures import Interval, share

BUDGET = 0.02
MONTH_DAYS = 28
RIGHT_DAYS, FEWER = 56, 0.7
STEP, HIGHEST = 0.05, 20.0

Days = NDArray[np.int64]


class Rarer(msgspec.Struct, frozen=True):
    """How `buying_less_often` does at a threshold, over alerts whose RIGHT_DAYS have passed."""

    threshold: float
    alerts: int
    budget: float  # alerts per customer and 28 days, all of them
    precision: Interval


@dataclass(frozen=True, slots=True)
class _Fired:
    customer: Days
    day: Days
    usual_gap_days: NDArray[np.float64]  # mean gap before the one that fired


@numba.njit(cache=True)
def _fires(
    days: Days, starts: Days, threshold: float, fewest: int, cooldown_days: int, usual_gap_days: float
) -> NDArray[np.float64]:
    """(customer, day, mean gap before) of every alert, as definitions B1 and L1 have it."""
    found = np.empty((days.size, 3))
    n = 0
    for c in range(starts.size - 1):
        first, total, episode = days[starts[c]], 0.0, -(2**31)
        for i in range(starts[c] + 1, starts[c + 1]):
            last, gaps = days[i - 1], i - 1 - starts[c]
            total = rarer(total, days[i] - last, last - first, gaps, usual_gap_days)
            if gaps + 1 >= fewest and total >= threshold and last >= episode + cooldown_days:
                episode = last
                found[n, 0], found[n, 1] = c, days[i]
                found[n, 2] = (last - first + 2.0 * usual_gap_days) / (gaps + 2.0)
                n += 1
    return found[:n]


def _alerts(past: History, policy: Policy, threshold: float) -> _Fired:
    cooldown = policy.signs[Sign.buying_less_often].cooldown_days
    usual = math.exp(policy.silent.mu0)
    found = _fires(past.days, past.starts, threshold, policy.signals.min_gaps, cooldown, usual)
    return _Fired(found[:, 0].astype(np.int64), found[:, 1].astype(np.int64), found[:, 2])


def _spent(past: History, alerts: int) -> float:
    return alerts / (len(past.customers) * (past.end_day - past.first_day + 1) / MONTH_DAYS)


def threshold_for(past: History, policy: Policy, budget: float = BUDGET) -> float:
    """The lowest threshold from which on none spends more than the budget; in steps of STEP.

    Step by step from above, because a lower threshold may spend less: an alert that opens early keeps others away.
    """
    steps = round(HIGHEST / STEP)
    while steps > 1 and _spent(past, _alerts(past, policy, (steps - 1) * STEP).day.size) <= budget:
        steps -= 1
    return round(steps * STEP, 2)


def measured(past: History, policy: Policy, threshold: float) -> Rarer:
    """How the sign does on these customers."""
    fired = _alerts(past, policy, threshold)
    known = fired.day + RIGHT_DAYS <= past.end_day
    hits = []
    for c, day, gap in zip(fired.customer[known], fired.day[known], fired.usual_gap_days[known], strict=True):
        days = past.of(int(c))
        hits.append(int(((days > day) & (days <= day + RIGHT_DAYS)).sum()) < FEWER * RIGHT_DAYS / gap)
    precision = share(np.array(hits, bool), fired.customer[known])
    return Rarer(threshold, len(hits), round(_spent(past, fired.day.size), 4), precision)
