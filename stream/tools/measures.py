"""How good a score is: ROC-AUC, PR-AUC, Brier, and how sure of it one can be.

Owns: the three measures of rows that may be weighted, and their bootstrap by customer: the rows of one customer
belong together, so customers are drawn, not rows. Knows nothing of where scores come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

REPLICATES = 300
TAILS = (2.5, 97.5)

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Interval(msgspec.Struct, frozen=True):
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


class Quality(msgspec.Struct, frozen=True):
    """The three measures of one score."""

    roc_auc: Interval
    pr_auc: Interval
    brier: Interval


@dataclass(frozen=True, slots=True)
class Replicates:
    """The measures of one score in all rows (`value`), and in each bootstrap replicate (`drawn`, replicates × 3)."""

    value: Floats
    drawn: Floats

    def quality(self) -> Quality:
        """The measures with their intervals."""
        low, high = np.nanpercentile(self.drawn, TAILS, axis=0)  # a draw of one outcome only has no AUC
        return Quality(*(interval(*one) for one in zip(self.value, low, high, strict=True)))

    def over(self, other: Replicates) -> Quality:
        """This minus the other, paired: both are measured on the same draws."""
        return Replicates(self.value - other.value, self.drawn - other.drawn).quality()


def interval(value: float, low: float, high: float) -> Interval:
    """Rounded to what such intervals can tell."""
    return Interval(round(float(value), 4), round(float(low), 4), round(float(high), 4))


def measure(outcome: Floats, score: Floats, chance: Floats, customer: NDArray[np.int64], seed: int = 0) -> Replicates:
    """ROC-AUC and PR-AUC of `score`, Brier of `chance`; `outcome` 0 or 1, `customer` says which rows belong together.

    Equal seeds and customers give equal draws, so that two scores of the same rows can be compared in pairs.
    """
    codes, who = np.unique(customer, return_inverse=True)
    columns = _best_first(outcome, score, (chance - outcome) ** 2, who)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(codes.size, np.full(codes.size, 1 / codes.size), REPLICATES)
    drawn = np.array([_measured(*columns, draw) for draw in draws])
    return Replicates(np.array(_measured(*columns, np.ones(codes.size, np.int64))), drawn)


def roc_auc(outcome: Floats, score: Floats) -> float:
    """The chance that a row with the outcome scores above one without; a tie counts half.

    >>> roc_auc(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.7, 0.1]))
    0.75
    """
    return float(_once(outcome, score)[0])


def pr_auc(outcome: Floats, score: Floats) -> float:
    """Average precision: the precision at each row with the outcome, best score first, on average; ties come at once.

    >>> round(pr_auc(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.7, 0.1])), 4)
    0.8333
    """
    return float(_once(outcome, score)[1])


def brier(outcome: Floats, chance: Floats) -> float:
    """The mean squared difference of the chance that was claimed and what came.

    >>> brier(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    0.25
    """
    return float(_once(outcome, chance)[2])


def share(hit: NDArray[np.bool_], customer: NDArray[np.int64], seed: int = 0) -> Interval:
    """The share of hits, its interval by customer. NaN of nothing."""
    if not hit.size:
        return Interval(float("nan"), float("nan"), float("nan"))
    who = np.unique(customer, return_inverse=True)[1]
    hits, rows = np.bincount(who, hit), np.bincount(who)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(rows.size, np.full(rows.size, 1 / rows.size), REPLICATES)
    low, high = np.percentile(draws @ hits / np.maximum(draws @ rows, 1), TAILS)
    return interval(hit.mean(), low, high)


def _once(outcome: Floats, score: Floats) -> tuple[float, float, float]:
    rows = np.arange(outcome.size)
    return _measured(*_best_first(outcome, score, (score - outcome) ** 2, rows), np.ones(outcome.size, np.int64))


def _best_first(outcome: Floats, score: Floats, error: Floats, who: Whole) -> tuple[Floats, Floats, Floats, Whole]:
    order = np.argsort(-score, kind="stable")
    return outcome[order], score[order], error[order], who[order]


@numba.njit(cache=True)
def _measured(outcome: Floats, score: Floats, error: Floats, who: Whole, weight: Whole) -> tuple[float, float, float]:
    """ROC-AUC, PR-AUC and the mean error of rows with falling scores, row i as often as `weight[who[i]]` says."""
    up, down, wrong, above, precision = 0.0, 0.0, 0.0, 0.0, 0.0
    i = 0
    while i < score.size:
        tied, tied_up, tied_down = score[i], 0.0, 0.0
        while i < score.size and score[i] == tied:
            w = float(weight[who[i]])
            tied_up += w * outcome[i]
            tied_down += w * (1 - outcome[i])
            wrong += w * error[i]
            i += 1
        above += tied_down * (up + tied_up / 2)
        up, down = up + tied_up, down + tied_down
        if tied_up > 0:
            precision += tied_up * up / (up + down)
    if up == 0 or down == 0:
        return np.nan, np.nan, wrong / max(up + down, 1.0)
    return above / (up * down), precision / up, wrong / (up + down)
