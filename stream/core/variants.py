"""Customers of the variants of an experiment, at the close of a period.

Owns: a scan of its own beside `core.figures`'s, of those rows only that have a variant, and only where the policy lists
any (definitions W12). Whoever runs no experiment doesn't pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.core.calendar import Calendar
from stream.core.measures import VARIANTS
from stream.core.policy import Policy
from stream.core.retention import Spans, is_customer, segment_at, spans_of
from stream.jit import njit

ROLES = len(VARIANTS.roles)
START, LOST, ACQUIRED, END = range(ROLES)


@njit
def _scan(
    rows: NDArray[np.void], more: NDArray[np.void], n: int, spans: Spans, active_days: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:  # fmt: skip
    for i in range(n):
        r = rows[i]
        if r.variant == 0:
            continue
        m = more[r.more]
        at = (np.int64(r.variant) - 1) * ROLES
        for k in range(spans.first.size):
            first, last = spans.first[k], spans.last[k]
            segment = segment_at(r, spans.begin_s[k] - 1)
            window = active_days[segment]
            was = is_customer(r, m, first - 1, spans.begin_s[k], window)
            stays = is_customer(r, m, last, spans.end_s[k], window)
            own = out[k, segment]
            own[at + START] += was
            own[at + LOST] += was and not stays
            own[at + ACQUIRED] += first <= r.first_day <= last
            own[at + END] += stays


def count(
    rows: NDArray[np.void], more: NDArray[np.void], n: int, periods: Sequence[tuple[str, int, int]], policy: Policy,
    days: Calendar,
) -> NDArray[np.int64]:  # fmt: skip
    """The customers of each variant in closed periods (kind, first day, last day).

    An array (period, segment, measure), the measures in the order of `measures.state_names`.
    """
    out = np.zeros((len(periods), len(policy.segments), ROLES * len(policy.figures.variants)), np.int64)
    if out.size:
        spans = spans_of([(first, last) for _, first, last in periods], days)
        _scan(rows, more, n, spans, np.array(policy.active_days, np.int64), out)
    return out
