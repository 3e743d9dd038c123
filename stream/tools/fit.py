"""The population parameters of the silence model, learned from history.

Owns: the two likelihoods and their maximum. The *prequential* one (shared design §5) takes every gap and every open
silence as the model would have foretold it from what came before; it needs little history. The *matured* one takes
only what an alert claims: whether nothing came within the horizon, of the customers whom an alert may concern. It
goes on from the first one's optimum, with a little of the first (`GAPS_COUNT`) so that what no horizon tells stays
where the gaps put it, and is kept only when it foretells customers better whom it has not seen. The model itself is
the core's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import numba
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from stream.core.policy import Policy
from stream.core.rules import rules_of
from stream.core.silence import SilenceParams, add_gap, drop_out, p_none, predictive, survival
from stream.core.silentrule import Silent
from stream.tools.budget import BUDGET, threshold_for
from stream.tools.history import FEWEST_DAYS, History

LEARNED = ("mu0", "k0", "a0", "b0", "a", "b", "usual_spend", "spend_power")
CUT_EVERY_DAYS = 7
SPARSE_DAYS = 2  # where half the customers have no more purchase days than this,
SPARSE_A = 0.6  # many are gone at once: the drop-out to start from
SMALLEST = 1e-12  # no outcome is held for less likely than this
GAPS_COUNT = 0.05  # of .02…0.2 the best for customers left out, Complete Journey and CDNOW, public halves
START_POWER = 0.5  # of what was spent, to start from
FEWEST_MATURED = 2_000  # labels of horizons that have passed, below which only the prequential likelihood is asked


class Likelihood(msgspec.Struct, frozen=True):
    """Mean log likelihoods of one set of parameters: the greater, the better it foretells."""

    per_gap: float
    per_matured: float | None  # None without a horizon that has passed


class Fit(msgspec.Struct, frozen=True):
    """What was learned, from how much, and how much better it foretells than the policy's own parameters."""

    parameters: dict[str, float]
    segment_odds: dict[str, float]  # by what is left to tell once the model has spoken
    memory: float
    customers: int
    days: int
    gaps: int
    matured: int
    by: str  # "prequential" or "matured"
    before: Likelihood
    after: Likelihood
    rarer: float  # the threshold of `buying_less_often` that spends the alert budget


@numba.njit(cache=True)
def gap_likelihood(
    days: NDArray[np.int64], spend: NDArray[np.float64], starts: NDArray[np.int64], end_day: int, params: SilenceParams
) -> float:
    """Σ over customers (purchase days `days[starts[c]:starts[c + 1]]`) of ln P(each gap) and ln P(the open silence)."""
    total = 0.0
    for c in range(starts.size - 1):
        m, q, w = 0.0, 0.0, 0.0
        for i in range(starts[c], starts[c + 1]):
            loc, scale = predictive(m, q, w, params)
            p = drop_out(i - starts[c] + 1, spend[i], params)
            if i + 1 == starts[c + 1]:
                total += math.log(max(p + (1 - p) * survival(end_day - days[i], loc, scale), 1e-300))
                continue
            gap = days[i + 1] - days[i]
            ended = survival(gap - 1, loc, scale) - survival(gap, loc, scale)
            total += math.log(max((1 - p) * ended, 1e-300))
            m, q, w = add_gap(gap, m, q, w, params.memory)
    return total


@numba.njit(cache=True)
def matured_likelihood(
    days: NDArray[np.int64],
    spend: NDArray[np.float64],
    odds: NDArray[np.float64],
    starts: NDArray[np.int64],
    cuts: NDArray[np.int64],
    active_days: int,
    params: SilenceParams,
) -> tuple[float, int]:
    """(Σ ln P(what came), rows): a purchase within the horizon or none, as foretold at the end of each day of `cuts`.

    `odds` are the factors of each purchase's segment.
    Rows are customers who bought within `active_days` and on `min_purchase_days` days or more.
    """
    total, rows, h = 0.0, 0, params.horizon_days
    for c in range(starts.size - 1):
        m, q, w, cut = 0.0, 0.0, 0.0, 0
        for i in range(starts[c], starts[c + 1]):
            if i > starts[c]:
                m, q, w = add_gap(days[i] - days[i - 1], m, q, w, params.memory)
            while cut < cuts.size and cuts[cut] < days[i]:
                cut += 1
            n = i - starts[c] + 1
            if n < params.min_purchase_days:
                continue
            loc, scale = predictive(m, q, w, params)
            p = drop_out(n, spend[i], params)
            until = days[i] + active_days
            if i + 1 < starts[c + 1]:
                until = min(until, days[i + 1])
            j = cut
            while j < cuts.size and cuts[j] < until:
                chance = p_none(cuts[j] - days[i], h, loc, scale, p, odds[i])
                none = i + 1 == starts[c + 1] or days[i + 1] > cuts[j] + h
                total += math.log(max(chance if none else 1 - chance, SMALLEST))
                rows += 1
                j += 1
    return total, rows


class _Learner:
    """One history, one policy: parameters in, mean log likelihoods out. `odds` are the segments' factors, by code."""

    def __init__(self, past: History, policy: Policy) -> None:
        self.past = past
        self.base = rules_of(policy).silence
        self.alike = np.ones(len(policy.segments))  # odds that tell no segments apart
        self.active_days = max(policy.active_days)
        last = past.end_day - policy.silent.horizon_days
        self.cuts = np.arange(past.first_day + FEWEST_DAYS, last + 1, CUT_EVERY_DAYS, dtype=np.int64)
        self.gaps = past.days.size - len(past.customers)
        self.usual_spend = _usual_spend(past, policy.silent.min_purchase_days)
        self.matured = self._matured(self.base, self.alike)[1]

    def start(self) -> NDArray[np.float64]:
        """The stock parameters and the history's median gap, so that what is learned depends on the history alone."""
        stock, owners = Silent(), np.repeat(np.arange(len(self.past.customers)), self.past.counts)
        gaps = np.diff(self.past.days)[np.diff(owners) == 0]
        a = SPARSE_A if np.median(self.past.counts) <= SPARSE_DAYS else stock.a
        return np.array([math.log(np.median(gaps)), *np.log([stock.k0, stock.a0, stock.b0, a, stock.b]), 0.0])

    def params(self, x: NDArray[np.float64]) -> SilenceParams:
        k0, a0, b0, a, b = np.exp(np.clip(x[1:6], math.log(0.001), math.log(1000))).tolist()  # what a policy may say
        power = min(max(float(x[6]), 0.0), 5.0) if self.usual_spend else 0.0
        learned = {"k0": k0, "a0": a0, "b0": b0, "a": a, "b": b, "usual_spend": self.usual_spend, "spend_power": power}
        return self.base._replace(mu0=min(max(float(x[0]), -1.0), 7.0), **learned)

    def per_gap(self, params: SilenceParams) -> float:
        past = self.past
        return gap_likelihood(past.days, past.spend, past.starts, past.end_day, params) / max(self.gaps, 1)

    def per_matured(self, params: SilenceParams, odds: NDArray[np.float64]) -> float | None:
        total, rows = self._matured(params, odds)
        return total / rows if rows else None

    def likelihood(self, params: SilenceParams, odds: Sequence[float]) -> Likelihood:
        matured = self.per_matured(params, np.array(odds))
        return Likelihood(round(self.per_gap(params), 5), None if matured is None else round(matured, 5))

    def prequential(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """By the gaps alone, of which money spent tells nothing."""
        found = _maximum(lambda at: self.per_gap(self.params(np.append(at, 0.0))), x[:6])
        return np.append(found, 0.0)

    def by_matured(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        def per_both(at: NDArray[np.float64]) -> float:
            params = self.params(at)
            return (self.per_matured(params, self.alike) or 0.0) + GAPS_COUNT * self.per_gap(params)

        return _maximum(per_both, np.append(x[:6], START_POWER))

    def segment_odds(self, params: SilenceParams) -> list[float]:
        """The likeliest factor of each segment, by code, leaning on 1: its logarithm has a standard normal prior.

        A horizon is cut again each week, so that each outcome stands in several rows; they count as one.
        """
        share, found = CUT_EVERY_DAYS / params.horizon_days, self.alike.copy()

        def loss(log_odds: float, code: int) -> float:
            odds = self.alike.copy()  # of the other segments the likelihood is the same in each call
            odds[code] = math.exp(log_odds)
            return log_odds**2 / 2 - share * self._matured(params, odds)[0]

        for code in np.unique(self.past.segment).tolist():
            found[code] = math.exp(minimize_scalar(loss, bounds=(-4, 4), args=(code,), options={"xatol": 1e-3}).x)
        return [float(f"{one:.4g}") for one in found]

    def _matured(self, params: SilenceParams, odds: NDArray[np.float64]) -> tuple[float, int]:
        past = self.past
        purchases = past.days, past.spend, odds[past.segment], past.starts
        total, rows = matured_likelihood(*purchases, self.cuts, self.active_days, params)
        return float(total), int(rows)


def _usual_spend(past: History, fewest: int) -> int:
    """The geometric mean of what customers with enough purchase days had spent lately; 0 where nobody pays."""
    number = np.arange(past.days.size) - np.repeat(past.starts[:-1], past.counts) + 1
    spend = past.spend[(number >= fewest) & (past.spend > 0)]
    return round(float(np.exp(np.log(spend).mean()))) if spend.size else 0


def _maximum(of: Callable[[NDArray[np.float64]], float], x: NDArray[np.float64]) -> NDArray[np.float64]:
    options = {"maxiter": 1000, "xatol": 1e-3, "fatol": 1e-6}
    for _ in range(2):  # a simplex that has collapsed short of the optimum moves on when it is made anew
        x = minimize(lambda at: -of(at), x, method="Nelder-Mead", options=options).x
    return x


def fit(past: History, policy: Policy, budget: float = BUDGET) -> Fit:
    """Learn mu0, k0, a0, b0, a, b, the usual spend, its power and segments' odds; all else is the policy's.

    `budget` is what `buying_less_often` may spend, in alerts per customer and 28 days.
    Raises NotEnoughHistoryError below 100 customers with a purchase or 90 days.
    """
    past.require_enough()
    all_of_them = _Learner(past, policy)
    x = all_of_them.prequential(all_of_them.start())
    by = "prequential"
    if all_of_them.matured >= FEWEST_MATURED and _generalises(past, policy, x):
        by, x = "matured", all_of_them.by_matured(x)
    learned: dict[str, float] = {name: float(f"{getattr(all_of_them.params(x), name):.4g}") for name in LEARNED}
    learned["usual_spend"] = all_of_them.usual_spend
    params, odds = all_of_them.base._replace(**learned), [1.0] * len(policy.segments)
    if by == "matured" and len(odds) > 1:
        odds = all_of_them.segment_odds(params)
    segment_odds = {name: one for name, one in zip(policy.segments, odds, strict=True) if one != 1}
    return Fit(
        parameters=learned,
        segment_odds=segment_odds,
        memory=policy.silent.memory,
        customers=len(past.customers),
        days=past.end_day - past.first_day + 1,
        gaps=all_of_them.gaps,
        matured=all_of_them.matured,
        by=by,
        before=all_of_them.likelihood(all_of_them.base, policy.segment_odds),
        after=all_of_them.likelihood(params, odds),
        rarer=threshold_for(past, fitted(policy, learned, segment_odds), budget),
    )


def _generalises(past: History, policy: Policy, x: NDArray[np.float64]) -> bool:
    """Whether parameters learned from the matured horizons of half the customers foretell the others' better than `x`.

    `x` has seen all of them: the test leans against the change.
    """
    odd = np.arange(len(past.customers)) % 2 == 1
    gain = 0.0
    for seen in (odd, ~odd):
        learner, judge = _Learner(past.only(seen), policy), _Learner(past.only(~seen), policy)
        y = learner.by_matured(x)
        after, before = (judge.per_matured(judge.params(at), judge.alike) or 0.0 for at in (y, x))
        gain += after - before
    return gain > 0


def fitted(policy: Policy, parameters: dict[str, float], segment_odds: dict[str, float]) -> Policy:
    """The policy with learned parameters in place of its own."""
    return replace(policy, silent=replace(policy.silent, segment_odds=segment_odds, **parameters))  # type: ignore[arg-type]


def in_force(policy: Policy, found: Fit) -> Policy:
    """The policy with all that was learned in place of its own."""
    changed = replace(policy, signals=replace(policy.signals, rarer=found.rarer))
    return fitted(changed, found.parameters, found.segment_odds)


def toml(found: Fit) -> str:
    """The table of a policy file that says what was learned, and from what."""
    before, after = found.before, found.after
    learned_from = f"{found.customers:,} customers, {found.days} days, {found.gaps:,} gaps, {found.matured:,} horizons"
    lines = [
        f"# learned by `lapse fit` from {learned_from}",
        f"# log likelihood per gap: {before.per_gap:.4f} before, {after.per_gap:.4f} after",
    ]
    if before.per_matured is not None and after.per_matured is not None:
        said = f"{before.per_matured:.4f} before, {after.per_matured:.4f} after"
        lines.append(f"# log likelihood per horizon that has passed: {said}; kept: {found.by}")
    lines += ["[signs.silent.model]", f"memory = {found.memory:g}"]
    lines += [
        f"{name} = {value if name == 'usual_spend' else f'{value:g}'}" for name, value in found.parameters.items()
    ]
    if found.segment_odds:
        lines.append("[signs.silent.model.segment_odds]")
        lines += [f"{json.dumps(name, ensure_ascii=False)} = {odds:g}" for name, odds in found.segment_odds.items()]
    return "\n".join(lines) + "\n"
