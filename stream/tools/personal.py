"""The silence model over each customer's own horizon: a weekly shopper is judged sooner than a monthly one.

Owns: that horizon: the days within which 9 of 10 of the customer's own gaps end, as the model has them at the cut-off,
but not below LEAST_DAYS nor above the policy's. The model is the core's.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from stream.core.policy import Policy
from stream.core.rules import silence_of
from stream.core.silence import add_gap, drop_out, gap_quantile_days, p_none, predictive
from stream.tools.history import History
from stream.tools.measures import Quality, measure
from stream.tools.rivals import Rows

LEAST_DAYS = 14
_NINE_OF_TEN = 1.2815515655446004


class Personal(msgspec.Struct, frozen=True):
    """How well the model tells who will not come within their own horizon."""

    rows: int
    mean_horizon_days: float
    base_rate: float
    quality: Quality


def personal(past: History, policy: Policy, at: Rows) -> Personal:
    """Measure rows of customers (of whom an alert may speak)."""
    params = silence_of(policy)
    chance, outcome, horizon = (np.empty(at.cut.size) for _ in range(3))
    order = np.lexsort((at.purchase_days, at.customer))
    state, known, customer = (0.0, 0.0, 0.0), 1, -1
    for i in order.tolist():
        c, n = int(at.customer[i]), int(at.purchase_days[i])
        days, spend = past.of(c), past.spend[past.starts[c] : past.starts[c + 1]]
        if c != customer:
            state, known, customer = (0.0, 0.0, 0.0), 1, c
        while known < n:
            state = add_gap(float(days[known] - days[known - 1]), *state, params.memory)
            known += 1
        loc, scale = predictive(*state, params)
        h = math.ceil(gap_quantile_days(_NINE_OF_TEN, loc, scale))
        h = max(LEAST_DAYS, min(policy.silent.horizon_days, h))
        horizon[i] = h
        outcome[i] = n == days.size or days[n] > at.cut[i] + h
        odds = policy.segment_odds[int(past.segment[past.starts[c] + n - 1])]
        gone = drop_out(n, float(spend[n - 1]), params)
        chance[i] = p_none(int(at.silent_days[i]), h, loc, scale, gone, odds)
    quality = measure(outcome, chance, chance, at.customer).quality()
    return Personal(at.cut.size, round(float(horizon.mean()), 1), round(float(outcome.mean()), 4), quality)
