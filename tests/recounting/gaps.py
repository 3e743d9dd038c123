"""The gap model of the recount (DESIGN §5), each sum written out. Knows nothing of events."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any


class Model:
    def __init__(self, silent: Mapping[str, Any]) -> None:
        model = silent.get("model", {})
        self.memory = float(model.get("memory", 0.9))
        self.mu0 = float(model.get("mu0", 1.0986))
        self.k0 = float(model.get("k0", 0.6))
        self.a0 = float(model.get("a0", 3.0))
        self.b0 = float(model.get("b0", 1.7))
        self.a = float(model.get("a", 0.005))
        self.b = float(model.get("b", 1.0))
        self.usual_spend = float(model.get("usual_spend", 0))
        self.spend_power = float(model.get("spend_power", 0))
        self.segment_odds: Mapping[str, float] = model.get("segment_odds", {})

    def of(self, days: Sequence[date], spend: float) -> tuple[float, float, float]:
        """Give p, loc and scale after purchases on these days.

        The gaps' weighted count, mean and sum of squares, written out: weights are 1, ρ, ρ² … from the latest back.
        """
        y = [math.log((after - before).days) for before, after in pairwise(days)]
        weights = [self.memory**age for age in range(len(y) - 1, -1, -1)]
        n = sum(weights)
        m = sum(w * one for w, one in zip(weights, y, strict=True)) / n if y else 0.0
        q = sum(w * (one - m) ** 2 for w, one in zip(weights, y, strict=True))
        k = self.k0 + n
        a = self.a0 + n / 2
        b = self.b0 + q / 2 + self.k0 * n * (m - self.mu0) ** 2 / (2 * k)
        x = len(days) - 1
        odds = self.a / (self.b + x)
        if self.usual_spend:
            # A3: "the odds of drop-out × (usual_spend ÷ F)^spend_power, F at least a hundredth of usual_spend"
            odds *= (self.usual_spend / max(spend, self.usual_spend / 100)) ** self.spend_power
        return odds / (1 + odds), (self.k0 * self.mu0 + n * m) / k, math.sqrt(b * (k + 1) / (a * k))


def survival(s: int, loc: float, scale: float) -> float:
    """S(s) = Φ(−(ln(s + ½) − loc)/scale)."""
    return math.erfc((math.log(s + 0.5) - loc) / scale / math.sqrt(2)) / 2


def p_none(s: int, h: int, p: float, loc: float, scale: float, times: float) -> float:
    """A3: "its odds multiplied by the `segment_odds`"."""
    none = (p + (1 - p) * survival(s + h, loc, scale)) / (p + (1 - p) * survival(s, loc, scale))
    if none == 1:
        return 1.0
    odds = times * none / (1 - none)
    return odds / (1 + odds)
