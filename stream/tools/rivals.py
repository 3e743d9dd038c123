"""What the model is measured against: fixed inactivity, a customer's own mean gap, and BG/NBD through `lifetimes`.

Owns: the rows that are scored, made of purchase days alone, and the rivals' scores of them. Knows nothing of the
core's model.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from stream.tools.history import History

PENALIZERS = (0.0, 0.001, 0.01, 0.1)  # of BG/NBD, until lifetimes' optimum is one

Floats = NDArray[np.float64]
Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """One row a customer and cut-off, of everybody who had purchased by then, as columns."""

    customer: Days  # code in the history
    cut: Days  # as known at the end of this business day
    silent_days: Days
    purchase_days: Days
    known_days: Days  # since the first purchase
    outcome: Floats  # 1: no purchase within the horizon after the cut-off

    def where(self, wanted: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        columns = (self.customer, self.cut, self.silent_days, self.purchase_days, self.known_days, self.outcome)
        return Rows(*(column[wanted] for column in columns))  # type: ignore[arg-type]

    @property
    def mean_gap_days(self) -> Floats:
        """The customer's mean gap; after a single purchase day that of all the others."""
        gaps, span = self.purchase_days - 1, self.known_days - self.silent_days
        usual = span.sum() / max(int(gaps.sum()), 1)
        mean: Floats = np.where(gaps > 0, span / np.maximum(gaps, 1), usual).astype(np.float64)
        return mean


@dataclass(frozen=True, slots=True)
class Rival:
    """The scores of one rival: `score` ranks, `chance` is its calibrated P(none in the horizon)."""

    name: str
    score: Floats
    chance: Floats


def rows(past: History, cuts: Days, horizon_days: int) -> Rows:
    """The rows of everybody at each cut-off."""
    parts = []
    for c in range(len(past.customers)):
        days = past.of(c)
        seen = np.searchsorted(days, cuts, side="right")
        cut, n = cuts[seen > 0], seen[seen > 0]
        following = np.append(days, 2**31)[n]
        parts.append(
            np.stack([np.full(cut.size, c), cut, cut - days[n - 1], n, cut - days[0], following > cut + horizon_days])
        )
    table = np.concatenate(parts, axis=1)
    return Rows(table[0], table[1], table[2], table[3], table[4], table[5].astype(np.float64))


def rivals(past: History, learn: Rows, judge: Rows, horizon_days: int) -> list[Rival]:
    """Every rival's scores of the rows to be judged; all that is fitted comes from `past` and its rows, `learn`."""
    bg_nbd = BgNbd(past)

    def calibrated(name: str, score: Callable[[Rows], Floats]) -> Rival:
        return Rival(name, score(judge), isotonic(score(learn), learn.outcome, score(judge)))

    none = bg_nbd.p_none(judge, horizon_days)
    return [
        calibrated("fixed inactivity", lambda at: at.silent_days.astype(np.float64)),
        calibrated("silence / own mean gap", lambda at: (at.silent_days / at.mean_gap_days).astype(np.float64)),
        calibrated("BG/NBD P(alive)", lambda at: 1 - bg_nbd.p_alive(at)),
        Rival("BG/NBD P(none)", none, none),
    ]


def isotonic(score: Floats, outcome: Floats, at: Floats) -> Floats:
    """The chance of the outcome as a never falling function of the score, learned from rows, read at other scores."""
    known, place = np.unique(score, return_inverse=True)
    rows_at = np.bincount(place)
    chance = isotonic_regression(np.bincount(place, outcome) / rows_at, weights=rows_at.astype(np.float64)).x
    found: Floats = np.interp(at, known, chance)
    return found


class BgNbd:
    """Fader, Hardie & Lee (2005), "Counting your customers" the easy way, as `lifetimes` fits it."""

    def __init__(self, past: History) -> None:
        first, last = past.days[past.starts[:-1]], past.days[past.starts[1:] - 1]
        columns = _floats(past.counts - 1, last - first, past.end_day - first)
        # an unmaintained package: what it says of numpy and pandas is nobody's news, and it prints what it then raises
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            from lifetimes import BetaGeoFitter
            from lifetimes.utils import ConvergenceError

            for self.penalizer in PENALIZERS:  # where nobody drops out for good, its likelihood is flat
                try:
                    self._fitter = BetaGeoFitter(penalizer_coef=self.penalizer).fit(*columns)
                except ConvergenceError:
                    if self.penalizer == PENALIZERS[-1]:
                        raise
                else:
                    return

    def p_alive(self, at: Rows) -> Floats:
        """P(not dropped out) at the cut-off."""
        repeats, recency, known = _floats(at.purchase_days - 1, at.known_days - at.silent_days, at.known_days)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alive: Floats = np.asarray(self._fitter.conditional_probability_alive(repeats, recency, known))
        return alive

    def p_none(self, at: Rows, horizon_days: int) -> Floats:
        """P(no purchase in the horizon): gone, or alive with a rate (gamma, r + x and alpha + T) that brings none."""
        r, alpha = float(self._fitter.params_["r"]), float(self._fitter.params_["alpha"])
        known = alpha + at.known_days
        none: Floats = (known / (known + horizon_days)) ** (r + at.purchase_days - 1)
        alive = self.p_alive(at)
        chance: Floats = 1 - alive + alive * none
        return chance


def _floats(*columns: Days) -> tuple[Floats, ...]:
    return tuple(column.astype(np.float64) for column in columns)
