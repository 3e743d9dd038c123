"""The sign `silent`: a renewal model of one customer's own gaps, shrunk to the population.

Owns: the gap statistics (m, Q, N of a row), the survival of a silence, P(none), and the day on which a silence fires.
Source: shared design §5. Gaps are whole days; a gap's logarithm is normal with the customer's own mean and spread,
whose prior is the population's (normal–gamma), old gaps fade by `memory`, and after each purchase the customer may have
dropped out for good, the likelier the less they spent lately (decision 0091). Some segments stay away more often than
their gaps tell (decision 0117). Knows nothing of rows, clocks or alerts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from stream.jit import njit

MAX_SILENCE_DAYS = 730
NEVER_DAYS = 0  # `fires_after_days` when no silence is long enough

LEAST_SPEND = 0.01  # of the usual one: below it nothing more is told

_SQRT2 = math.sqrt(2.0)


class SilenceParams(NamedTuple):
    """What the population says, fitted from history, and what the policy asks for."""

    mu0: float  # mean log gap of the population, ln(days)
    k0: float  # how many gaps that mean is worth
    a0: float  # shape and
    b0: float  # rate of the prior of the spread
    a: float  # drop-out: Beta(a, b)
    b: float
    memory: float  # what a gap's weight is multiplied by at the next one
    horizon_days: float  # h of P(none in the next h)
    theta: float  # the chance from which the alert fires
    overdue: float  # and the share of gaps that must be shorter than this silence
    min_purchase_days: float
    usual_spend: float  # minor units, faded over four weeks: with it the odds of drop-out are a : b + x
    spend_power: float  # and how much they change with another spend; 0: not at all


@njit
def add_gap(gap_days: float, mean: float, square: float, weight: float, memory: float) -> tuple[float, float, float]:
    """(m, Q, N) after one more gap: West's weighted update with fading weights.

    >>> add_gap(1.0, 0.0, 0.0, 0.0, 0.9)
    (0.0, 0.0, 1.0)
    """
    y = math.log(gap_days)
    faded = memory * weight
    now = faded + 1.0
    d = y - mean
    return mean + d / now, memory * square + d * d * faded / now, now


@njit
def predictive(mean: float, square: float, weight: float, params: SilenceParams) -> tuple[float, float]:
    """(loc, scale) of the next log gap."""
    k = params.k0 + weight
    shape = params.a0 + weight / 2
    rate = params.b0 + square / 2 + params.k0 * weight * (mean - params.mu0) ** 2 / (2 * k)
    loc = (params.k0 * params.mu0 + weight * mean) / k
    return loc, math.sqrt(rate * (k + 1) / (shape * k))


@njit
def survival(silent_days: float, loc: float, scale: float) -> float:
    """S(s).

    The chance that a gap is longer than s days (s counts half a day more: a gap of s days is an event on day s).
    """
    return 0.5 * math.erfc((math.log(silent_days + 0.5) - loc) / (scale * _SQRT2))


@njit
def drop_out(purchase_days: float, spend: float, params: SilenceParams) -> float:
    """The chance that the customer left for good at the last purchase: a / (a + b + x), x = repeat purchases.

    Its odds, a : b + x, are multiplied by (usual spend ÷ `spend`)^power; `spend` in minor units, faded up to then.
    """
    a = params.a
    if params.spend_power > 0.0 and params.usual_spend > 0.0:
        a *= max(spend / params.usual_spend, LEAST_SPEND) ** -params.spend_power
    return a / (a + params.b + purchase_days - 1.0)


@njit
def p_none(silent_days: float, horizon_days: float, loc: float, scale: float, p: float, odds: float) -> float:
    """P(no purchase in the next `horizon_days` | silent for `silent_days`), its odds times `odds`, the segment's."""
    gone = p + (1 - p) * survival(silent_days, loc, scale)
    if gone <= 0:  # a silence beyond what doubles can tell, without drop-out
        return 1.0
    none = (p + (1 - p) * survival(silent_days + horizon_days, loc, scale)) / gone
    return none * odds / (1 - none + none * odds)


@njit
def p_alive(silent_days: float, loc: float, scale: float, p: float) -> float:
    """P(not dropped out | silent for `silent_days`)."""
    alive = (1 - p) * survival(silent_days, loc, scale)
    return alive / (p + alive) if alive > 0 else 0.0


@njit
def gap_quantile_days(share_deviations: float, loc: float, scale: float) -> float:
    """The gap that lies `share_deviations` standard deviations above the typical one (.8416 for 8 of 10)."""
    return math.exp(loc + share_deviations * scale) - 0.5


@njit
def first_overdue_day(loc: float, scale: float, overdue: float) -> int:
    """The first whole day s with 1 − S(s) ≥ `overdue`; MAX_SILENCE_DAYS + 1 when it is later than that."""
    low, high = 0, 1
    while 1.0 - survival(high, loc, scale) < overdue:
        if high > MAX_SILENCE_DAYS:
            return MAX_SILENCE_DAYS + 1
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if 1.0 - survival(middle, loc, scale) >= overdue:
            high = middle
        else:
            low = middle
    return high


@njit
def fires_after_days(
    mean: float, square: float, weight: float, purchase_days: int, spend: float, odds: float, params: SilenceParams
) -> int:
    """s*: the first whole day of silence on which the sign fires, or NEVER_DAYS.

    The gate (overdue) once open stays open. P(none) may fall while the hazard of the gap still rises, and grows ever
    after: so where it is below theta at the gate it crosses theta once, and bisection finds the day.
    """
    if purchase_days < params.min_purchase_days:
        return NEVER_DAYS
    loc, scale = predictive(mean, square, weight, params)
    p = drop_out(purchase_days, spend, params)
    h = params.horizon_days
    gate = first_overdue_day(loc, scale, params.overdue)
    if gate > MAX_SILENCE_DAYS:
        return NEVER_DAYS
    if p_none(gate, h, loc, scale, p, odds) >= params.theta:
        return gate
    low, high = gate, min(2 * gate, MAX_SILENCE_DAYS)
    while p_none(high, h, loc, scale, p, odds) < params.theta:
        if high == MAX_SILENCE_DAYS:
            return NEVER_DAYS
        low, high = high, min(2 * high, MAX_SILENCE_DAYS)
    while high - low > 1:
        middle = (low + high) // 2
        if p_none(middle, h, loc, scale, p, odds) >= params.theta:
            high = middle
        else:
            low = middle
    return high
