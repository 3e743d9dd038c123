"""The population parameters of the silence model, learned from history.

Owns: the prequential likelihood (every gap, and every open silence, as the model would have foretold it from what came before:
shared design §5) and its maximum. The model itself is the core's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import msgspec
import numba
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from stream.core.calendar import calendar
from stream.core.kinds import Kind
from stream.core.partition import rules_of
from stream.core.policy import Policy
from stream.core.silence import SilenceParams, add_gap, drop_out, predictive, survival
from stream.wire.decode import decode

BATCH_LINES = 20_000
FEWEST_CUSTOMERS = 100


class NotEnoughHistoryError(ValueError):
    """The history holds too little to learn from."""


class Fit(msgspec.Struct, frozen=True):
    """What was learned, from how much, and how much better it foretells than the policy's own parameters."""

    parameters: dict[str, float]
    customers: int
    gaps: int
    log_likelihood_per_gap: float
    before: float


@numba.njit(cache=True)
def log_likelihood(days: NDArray[np.int64], starts: NDArray[np.int64], end_day: int, params: SilenceParams) -> float:
    """Σ over customers (purchase days `days[starts[c]:starts[c + 1]]`, ascending) of ln P(each gap) and ln P(the open silence)."""
    total = 0.0
    for c in range(starts.size - 1):
        m, q, w = 0.0, 0.0, 0.0
        for i in range(starts[c], starts[c + 1]):
            n = i - starts[c] + 1
            loc, scale = predictive(m, q, w, params)
            p = drop_out(n, params)
            if i + 1 == starts[c + 1]:
                total += math.log(max(p + (1 - p) * survival(end_day - days[i], loc, scale), 1e-300))
                continue
            gap = days[i + 1] - days[i]
            ended = survival(gap - 1, loc, scale) - survival(gap, loc, scale)
            total += math.log(max((1 - p) * ended, 1e-300))
            m, q, w = add_gap(gap, m, q, w, params.memory)
    return total


def purchase_days(lines: Iterable[bytes], policy: Policy) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """(days, starts, last day) of all customers' purchase days, from events in any order."""
    purchase = rules_of(policy).purchase
    zone = calendar(policy.zone)
    codes: dict[bytes, int] = {}
    customers, days, end_day = [], [], 0
    for chunk in _chunks(lines):
        batch, _ = decode(chunk, None, 2**62, None, policy)
        day = zone.days(batch.time_ms)
        ids = batch.customers.split(b"\x00")
        known = batch.kind != Kind.clock_advanced  # a clock is set behind the last event, to close its day
        end_day = max(end_day, int(day[known].max(initial=0)))
        for i in np.flatnonzero(purchase[batch.kind]).tolist():
            customers.append(codes.setdefault(ids[i], len(codes)))
            days.append(int(day[i]))
    pairs = np.unique(np.array([customers, days], np.int64).T, axis=0)  # sorted, one a day
    starts = np.searchsorted(pairs[:, 0], np.arange(len(codes) + 1))
    return np.ascontiguousarray(pairs[:, 1]), starts, end_day


def fit(lines: Iterable[bytes], policy: Policy) -> Fit:
    """Learn mu0, k0, a0, b0, a and b from a history of events.

    Raises NotEnoughHistoryError below 100 customers with a purchase.
    """
    days, starts, end_day = purchase_days(lines, policy)
    if starts.size - 1 < FEWEST_CUSTOMERS:
        raise NotEnoughHistoryError(f"{starts.size - 1} customers with a purchase; it takes {FEWEST_CUSTOMERS}")
    base = rules_of(policy).silence
    gaps = days.size - (starts.size - 1)

    def params(x: NDArray[np.float64]) -> SilenceParams:
        k0, a0, b0, a, b = np.exp(np.clip(x[1:], -9.0, 7.0))
        return base._replace(mu0=x[0], k0=k0, a0=a0, b0=b0, a=a, b=b)

    def loss(x: NDArray[np.float64]) -> float:
        return -log_likelihood(days, starts, end_day, params(x)) / gaps

    start = np.array([base.mu0, *np.log([base.k0, base.a0, base.b0, max(base.a, 1e-3), base.b])])
    found = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-3, "fatol": 1e-7})
    best = params(found.x)
    learned = {name: float(f"{getattr(best, name):.4g}") for name in ("mu0", "k0", "a0", "b0", "a", "b")}
    return Fit(learned, starts.size - 1, gaps, round(-found.fun, 5), round(-loss(start), 5))


def fitted(policy: Policy, parameters: dict[str, float]) -> Policy:
    """The policy with learned parameters in place of its own."""
    return replace(policy, silent=replace(policy.silent, **parameters))


def _chunks(lines: Iterable[bytes]) -> Iterable[list[bytes]]:
    chunk: list[bytes] = []
    for line in lines:
        if line := line.strip():
            chunk.append(line)
        if len(chunk) == BATCH_LINES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
