"""What is counted at the close of a period of what only some have beside their row: MRR, answers, and kinds of loss.

Owns: those measures (definitions W8, W9, W11). Which rows are looked at, in which period, is `core.figures`'s.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.life import is_acceptable
from stream.core.measures import STATE
from stream.core.quiet import UNSAID_DAYS
from stream.core.rates import PASSIVE, PROMOTER
from stream.core.remembering import answer_between, mrr_at, subscribed_before
from stream.core.row import More, Row
from stream.jit import njit

_AT = {name: place for place, name in enumerate(STATE)}
MRR_START, MRR_END, MRR_NEW, MRR_REACTIVATED = _AT["mrr_start"], _AT["mrr_end"], _AT["mrr_new"], _AT["mrr_reactivated"]
MRR_EXPANSION, MRR_CONTRACTION, MRR_CHURNED = _AT["mrr_expansion"], _AT["mrr_contraction"], _AT["mrr_churned"]
PROMOTERS, PASSIVES, DETRACTORS = _AT["promoters"], _AT["passives"], _AT["detractors"]
LOST_ACCEPTABLE, LOST_INVOLUNTARY = _AT["lost_acceptable"], _AT["lost_involuntary"]


class Losses(NamedTuple):
    """What tells losses apart: the first second of each day, and from which share of which margin one is acceptable."""

    starts_s: NDArray[np.int64]
    cost_share: float
    margin: float


@njit
def loss(r: Row, m: More, losses: Losses, out: NDArray[np.int64]) -> None:
    """A customer who was lost: nobody need fight for them, or a charge that failed ended it (definitions W11)."""
    since = max(int(r.active_head) - UNSAID_DAYS + 1, 0)
    if is_acceptable(r, m, losses.cost_share, losses.margin):
        out[LOST_ACCEPTABLE] += 1
    elif m.failed_s != 0 and m.failed_s >= losses.starts_s[since]:
        out[LOST_INVOLUNTARY] += 1


@njit
def mrr(m: More, first: int, last: int, begin_s: int, end_s: int, out: NDArray[np.int64]) -> None:
    """What the subscriptions brought at both ends, and what moved it (definitions W8)."""
    start, end = mrr_at(m, first - 1, begin_s), mrr_at(m, last, end_s)
    out[MRR_START] += start
    out[MRR_END] += end
    if start == 0:
        out[MRR_REACTIVATED if subscribed_before(m, begin_s) else MRR_NEW] += end
    elif end == 0:
        out[MRR_CHURNED] += start
    else:
        out[MRR_EXPANSION] += max(end - start, 0)
        out[MRR_CONTRACTION] += max(start - end, 0)


@njit
def nps(m: More, begin_s: int, end_s: int, out: NDArray[np.int64]) -> None:
    """The last answer in the period (definitions W9)."""
    score = answer_between(m, begin_s, end_s)
    out[PROMOTERS] += score >= PROMOTER
    out[PASSIVES] += PASSIVE <= score < PROMOTER
    out[DETRACTORS] += 0 <= score < PASSIVE
