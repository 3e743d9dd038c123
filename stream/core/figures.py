"""What the rows say of a closed period beside the six counts: activity, lifecycle, cohorts.

Owns: the scan of the rows at the close of a period (definitions W). Like the counts, nothing is counted up, so nothing
can drift. Only closed periods are scanned: a day's close costs one more look at each row, not one for every period.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.calendar import Calendar, period_start
from stream.core.measures import COHORT_DAYS, STATE
from stream.core.retention import active_between, segment_at
from stream.core.table import NO_DAY, Row
from stream.jit import njit

WEEK_DAYS, MONTH_DAYS = 7, 30  # of WAU and MAU

_AT = {name: place for place, name in enumerate(STATE)}
DAU, WAU, MAU = _AT["dau"], _AT["wau"], _AT["mau"]
NEW, RETURNING, RESURRECTED, DORMANT = _AT["new"], _AT["returning"], _AT["resurrected"], _AT["dormant"]
BUYERS, REPEAT_BUYERS = _AT["buyers"], _AT["repeat_buyers"]
MEMBERS = _AT["members:d1"]  # then those active, then the other cohorts likewise
COHORTS: Final = np.array(COHORT_DAYS, np.int64)


class Closed(NamedTuple):
    """Closed periods as columns: the first day of the one before, first and last day, the second of the first."""

    before: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    begin_s: NDArray[np.int64]


@njit
def _activity(r: Row, before: int, first: int, last: int, out: NDArray[np.int64]) -> None:
    """How active the row was in first…last, and what that makes of it (definitions W1, W2)."""
    out[DAU] += active_between(r, last, last)
    out[WAU] += active_between(r, last - WEEK_DAYS + 1, last)
    out[MAU] += active_between(r, last - MONTH_DAYS + 1, last)
    was = active_between(r, before, first - 1)
    if not active_between(r, first, last):
        out[DORMANT] += was
        return
    if first <= r.first_day <= last:
        out[NEW] += 1
    elif was:
        out[RETURNING] += 1
    else:
        out[RESURRECTED] += 1
    out[BUYERS] += r.orders > 0
    out[REPEAT_BUYERS] += r.orders > 1


@njit
def _cohorts(r: Row, first: int, last: int, out: NDArray[np.int64]) -> None:
    """Whether day N after the first fell into the period, and found the customer active (definitions W3)."""
    for k in range(COHORTS.size):
        day = r.first_day + COHORTS[k]
        if first <= day <= last:
            out[MEMBERS + 2 * k] += 1
            out[MEMBERS + 2 * k + 1] += active_between(r, day, day)


@njit
def _scan(rows: NDArray[np.void], n: int, periods: Closed, out: NDArray[np.int64]) -> None:
    oldest = periods.before.min()
    youngest = min(periods.first.min() - COHORTS.max(), periods.last.min() - MONTH_DAYS)
    for i in range(n):
        r = rows[i]
        if r.first_day == NO_DAY or (r.active_head < oldest and r.first_day < youngest and r.active_head < youngest):
            continue
        for k in range(periods.first.size):
            first, last = periods.first[k], periods.last[k]
            own = out[k, segment_at(r, periods.begin_s[k] - 1)]
            _activity(r, periods.before[k], first, last, own)
            _cohorts(r, first, last, own)


def scan(
    rows: NDArray[np.void], n: int, periods: Sequence[tuple[str, int, int]], segments: int, days: Calendar
) -> NDArray[np.int64]:
    """The state figures of closed periods (kind, first day, last day).

    An array (period, segment, measure), the measures in the order of STATE.
    """
    out = np.zeros((len(periods), segments, len(STATE)), np.int64)
    if periods:
        closed = Closed(
            np.array([period_start(kind, first - 1) for kind, first, _ in periods], np.int64),
            np.array([first for _, first, _ in periods], np.int64),
            np.array([last for _, _, last in periods], np.int64),
            np.array([days.start_ms(first) // 1000 for _, first, _ in periods], np.int64),
        )
        _scan(rows, n, closed, out)
    return out
