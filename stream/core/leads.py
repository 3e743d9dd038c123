"""How long before their loss lost customers had been warned of, sign by sign, at the close of a day.

Owns: which alerts count as a warning, and from when (definitions L8). A scan of its own beside `core.figures`'s: only
of days, and of most rows the last active day alone is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.core.calendar import Calendar
from stream.core.families import LEAD_CUSTOMERS, LEAD_DAYS
from stream.core.policy import Policy
from stream.core.retention import Spans, is_customer, segment_at, spans_of
from stream.core.row import SIGNS, Row
from stream.core.rules import horizons_of
from stream.jit import njit, prefetch

MEASURES: Final = (*LEAD_CUSTOMERS.roles.values(), *LEAD_DAYS.roles.values())  # each by Sign
_AHEAD = 16  # rows


@njit
def _warned(
    r: Row, day: int, end_s: int, horizon_days: NDArray[np.int64], starts_s: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """A customer who was lost on the day: how long before it the latest alert of each sign had opened."""
    for sign in range(SIGNS):
        opened_s = np.int64(r.opened_s[sign])
        if not 0 < opened_s < end_s:
            continue
        opened = np.searchsorted(starts_s, opened_s, side="right") - 1
        if r.active_head <= opened + horizon_days[sign]:
            out[sign] += 1
            out[SIGNS + sign] += day - opened


@njit
def _scan(
    rows: NDArray[np.void], more: NDArray[np.void], n: int, spans: Spans, active_days: NDArray[np.int64],
    horizon_days: NDArray[np.int64], starts_s: NDArray[np.int64], out: NDArray[np.int64],
) -> None:  # fmt: skip
    first, last = spans.first.min(), spans.first.max()
    surely, perhaps = last - active_days.min(), first - active_days.max()
    for i in range(n):
        prefetch(rows, i + _AHEAD)
        r = rows[i]
        if r.more == 0 and (surely < r.active_head <= first or r.active_head < perhaps):
            continue  # a customer on all of the days, or before none of them
        for k in range(spans.first.size):
            day, segment = spans.first[k], segment_at(r, spans.begin_s[k] - 1)
            window, m = active_days[segment], more[r.more]
            was = is_customer(r, m, day - 1, spans.begin_s[k], window)
            if was and not is_customer(r, m, day, spans.end_s[k], window):
                _warned(r, day, spans.end_s[k], horizon_days, starts_s, out[k, segment])


def count(
    rows: NDArray[np.void], more: NDArray[np.void], n: int, days: Sequence[int], policy: Policy, of: Calendar
) -> NDArray[np.int64]:
    """Whom alerts had told of, of the customers lost on closed days: an array (day, segment, measure)."""
    out = np.zeros((len(days), len(policy.segments), len(MEASURES)), np.int64)
    if days:
        horizon_days = np.array(horizons_of(policy), np.int64)
        spans = spans_of([(day, day) for day in days], of)
        _scan(rows, more, n, spans, np.array(policy.active_days, np.int64), horizon_days, of.starts_s, out)
    return out
