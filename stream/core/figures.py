"""What the rows say of a closed period beside the six counts: activity, lifecycle, cohorts, and who left how.

Owns: the scan of the rows at the close of a period (definitions W). Like the counts, nothing is counted up, so nothing
can drift. Only closed periods are scanned: a day's close costs one more look at each row, not one for every period.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.beside import Losses, loss, mrr, nps
from stream.core.calendar import Calendar, month_of, period_start
from stream.core.measures import BRACKET_DAYS, COHORT_DAYS, STATE
from stream.core.policy import Policy
from stream.core.quiet import Quiet, is_quiet, none_quiet, take_quiet, unsaid
from stream.core.remembering import (
    KIND_BITS,
    KIND_MASK,
    revenue_between,
)
from stream.core.retention import active_between, is_customer, segment_at
from stream.core.row import MEMBER, More, Row
from stream.jit import njit, prefetch

WEEK_DAYS, MONTH_DAYS = 7, 30  # of WAU and MAU
NO_MONTH, NEVER_MONTH = -1, 2**31

_AT = {name: place for place, name in enumerate(STATE)}
DAU, WAU, MAU = _AT["dau"], _AT["wau"], _AT["mau"]
NEW, RETURNING, RESURRECTED, DORMANT = _AT["new"], _AT["returning"], _AT["resurrected"], _AT["dormant"]
BUYERS, REPEAT_BUYERS = _AT["buyers"], _AT["repeat_buyers"]
START_REVENUE, START_REVENUE_BEFORE = _AT["start_revenue"], _AT["start_revenue_before"]
START_REVENUE_KEPT = _AT["start_revenue_kept"]
MEMBERS_START, MEMBERS_LOST, MEMBERS_END = _AT["members_start"], _AT["members_lost"], _AT["members_end"]
LOST_UNSAID = _AT["lost_unsaid"]
LOST_LAST, KEPT_LAST = _AT["lost_last:profile_updated"] - 1, _AT["kept_last:profile_updated"] - 1  # plus the kind
PARETO_CUSTOMERS, PARETO_REVENUE = _AT["pareto_customers:0"], _AT["pareto_revenue:0"]  # plus the bucket
MEMBERS = _AT["members:d1"]  # then those active, then the other cohorts likewise
LATER = _AT["later:d1"]  # then members and active of the bracket, then the other cohorts likewise
_AHEAD = 16  # rows
_LAST_READ = 63  # the byte of a row up to which a quiet one is read
COHORTS: Final = np.array(COHORT_DAYS, np.int64)


class Closed(NamedTuple):
    """Closed periods as columns: the first day of the one before, first and last day, the seconds of both ends.

    Months are those of the period and of the one before, NO_MONTH for a day or a week.
    """

    before: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    begin_s: NDArray[np.int64]
    end_s: NDArray[np.int64]
    month_before: NDArray[np.int64]
    month_first: NDArray[np.int64]
    month_last: NDArray[np.int64]


@njit(inline=True)
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


@njit(inline=True)
def _cohorts(r: Row, first: int, last: int, out: NDArray[np.int64]) -> None:
    """Whether day N after the first fell into the period, and found the customer active (definitions W3, W10)."""
    for k in range(COHORTS.size):
        day = r.first_day + COHORTS[k]
        if day > last:
            break  # so are the days of the later cohorts
        if first <= day:
            out[MEMBERS + 2 * k] += 1
            out[MEMBERS + 2 * k + 1] += active_between(r, day, day)
            out[LATER + 3 * k] += active_between(r, day, last)
        end = day + BRACKET_DAYS - 1
        if first <= end <= last:
            out[LATER + 3 * k + 1] += 1
            out[LATER + 3 * k + 2] += active_between(r, day, end)


@njit
def _bucket(revenue: int) -> int:
    """Quarters of an octave: the place of the highest bit, and the two bits behind it (definitions W6)."""
    high = 0
    while revenue >> (high + 1) > 0:
        high += 1
    behind = revenue >> (high - 2) if high >= 2 else revenue << (2 - high)  # noqa: PLR2004 — two bits
    return 4 * high + (behind & 3)


@njit
def _pareto(revenue: int, out: NDArray[np.int64]) -> None:
    if revenue > 0:
        out[PARETO_CUSTOMERS + _bucket(revenue)] += 1
        out[PARETO_REVENUE + _bucket(revenue)] += revenue


@njit(inline=True)
def _departure(r: Row, out: NDArray[np.int64], stays: int) -> None:
    """A customer at the start, who stayed or was lost: what came last (definitions W5, W7)."""
    out[MEMBERS_START] += r.member & MEMBER
    base = KEPT_LAST
    if not stays:
        base = LOST_LAST
        out[MEMBERS_LOST] += r.member & MEMBER
        out[LOST_UNSAID] += unsaid(r)
    kinds = np.int64(r.kinds)
    while kinds > 0:
        out[base + (kinds & KIND_MASK)] += 1
        kinds >>= KIND_BITS


@njit
def _add_quiet(
    q: Quiet, oldest: int, youngest: int, earliest: int, periods: Closed, k: int, windows: Any, out: Any
) -> None:
    """What `_activity`, `_cohorts` and `_departure` would have counted of the quiet rows, one by one."""
    before, first, last = periods.before[k], periods.first[k], periods.last[k]
    for segment in range(windows.size):
        own, window = out[segment], windows[segment]
        for at in np.flatnonzero(q.head[segment]):
            day, n = oldest + at, q.head[segment, at]
            if day > last:
                break
            own[DAU] += n * (day == last)
            own[WAU] += n * (day > last - WEEK_DAYS)
            own[MAU] += n * (day > last - MONTH_DAYS)
            if day >= first:  # the one day that these rows were active
                own[NEW] += n
                own[BUYERS] += q.buyers[segment, at]
                own[REPEAT_BUYERS] += q.repeat_buyers[segment, at]
                own[MEMBERS_END] += q.members[segment, at] * (day > last - window)
                continue
            own[DORMANT] += n * (day >= before)
            if day < first - window:
                continue
            own[MEMBERS_START] += q.members[segment, at]
            base = KEPT_LAST
            if day > last - window:
                own[MEMBERS_END] += q.members[segment, at]
            else:
                base = LOST_LAST
                own[MEMBERS_LOST] += q.members[segment, at]
                own[LOST_UNSAID] += q.unsaid[segment, at]
            own[base + 1 : base + q.kinds.shape[2]] += q.kinds[segment, at, 1:]
        for cohort in range(COHORTS.size):
            begin, end = first - COHORTS[cohort] - youngest, last - COHORTS[cohort] - youngest + 1
            own[MEMBERS + 2 * cohort] += q.first[segment, max(begin, 0) : max(end, 0)].sum()
            start, stop = max(begin - BRACKET_DAYS + 1, 0), min(max(end - BRACKET_DAYS + 1, 0), q.first.shape[1])
            own[LATER + 3 * cohort + 1] += q.first[segment, start:stop].sum()
            for place in range(start, stop):
                ago = earliest - youngest - place - COHORTS[cohort]  # days from the bracket's first to the periods
                own[LATER + 3 * cohort + 2] += q.lately[segment, place, : max(int(ago), 0)].sum()


@njit
def _scan(
    rows: NDArray[np.void],
    more: NDArray[np.void],
    n: int,
    periods: Closed,
    active_days: NDArray[np.int64],
    losses: Losses,
    out: NDArray[np.int64],
) -> None:
    """Most rows are quiet: they are counted by day, and the days once for each period."""
    earliest, latest = periods.first.min(), periods.last.max()
    oldest = min(periods.before.min(), earliest - active_days.max() - 1, periods.last.min() - MONTH_DAYS)
    youngest = earliest - COHORTS.max() - BRACKET_DAYS
    month = np.int64(NEVER_MONTH)
    for k in range(periods.first.size):
        if periods.month_first[k] != NO_MONTH:
            month = min(month, periods.month_first[k])
    by_day = month == NEVER_MONTH  # of a month there is revenue: no row is quiet
    quiet = none_quiet(active_days.size, latest + 1 - oldest, latest + 1 - youngest)
    for i in range(n):
        prefetch(rows, i + _AHEAD)
        prefetch(rows, i + _AHEAD, _LAST_READ)
        r = rows[i]
        if by_day and is_quiet(r, earliest):
            take_quiet(r, oldest, youngest, earliest, quiet)
            continue
        if r.more == 0 and r.month_head < month and r.active_head < oldest and r.first_day < youngest:
            continue
        _one(r, more[r.more], periods, active_days, losses, out)
    if by_day:
        for k in range(periods.first.size):
            _add_quiet(quiet, oldest, youngest, earliest, periods, k, active_days, out[k])


@njit(inline=True)
def _one(
    r: Row, m: More, periods: Closed, active_days: NDArray[np.int64], losses: Losses, out: NDArray[np.int64]
) -> None:
    for k in range(periods.first.size):
        segment = segment_at(r, periods.begin_s[k] - 1)
        own = out[k, segment]
        was = _all_but_revenue(r, m, periods, k, active_days[segment], losses, own)
        if periods.month_first[k] != NO_MONTH:
            revenue = revenue_between(r, periods.month_first[k], periods.month_last[k])
            _pareto(revenue, own)
            if was:
                before = revenue_between(r, periods.month_before[k], periods.month_first[k] - 1)
                own[START_REVENUE] += revenue
                own[START_REVENUE_BEFORE] += before
                own[START_REVENUE_KEPT] += min(revenue, before)


@njit(inline=True)
def _all_but_revenue(
    r: Row, m: More, periods: Closed, k: int, window: int, losses: Losses, out: NDArray[np.int64]
) -> bool:
    """Count a row in a period; whether it was a customer at the start."""
    first, last = periods.first[k], periods.last[k]
    if r.more:
        mrr(m, first, last, periods.begin_s[k], periods.end_s[k], out)
        nps(m, periods.begin_s[k], periods.end_s[k], out)
    _activity(r, periods.before[k], first, last, out)
    _cohorts(r, first, last, out)
    was = is_customer(r, m, first - 1, periods.begin_s[k], window)
    if was or r.member & MEMBER:
        stays = is_customer(r, m, last, periods.end_s[k], window)
        out[MEMBERS_END] += r.member & MEMBER != 0 and stays
        if was:
            _departure(r, out, int(stays))
        if was and not stays and r.more:
            loss(r, m, losses, out)
    return bool(was)


def scan(
    rows: NDArray[np.void],
    more: NDArray[np.void],
    n: int,
    periods: Sequence[tuple[str, int, int]],
    policy: Policy,
    days: Calendar,
) -> NDArray[np.int64]:
    """The state figures of closed periods (kind, first day, last day).

    An array (period, segment, measure), the measures in the order of STATE.
    """
    out = np.zeros((len(periods), len(policy.active_days), len(STATE)), np.int64)
    if periods:
        losses = Losses(days.starts_s, policy.acceptable.cost_share, policy.value.margin)
        _scan(rows, more, n, _closed(periods, days), np.array(policy.active_days, np.int64), losses, out)
    return out


def _closed(periods: Sequence[tuple[str, int, int]], days: Calendar) -> Closed:
    before = [period_start(kind, first - 1) for kind, first, _ in periods]
    whole = [kind in ("month", "quarter") for kind, _, _ in periods]
    columns = (
        before,
        [first for _, first, _ in periods],
        [last for _, _, last in periods],
        [days.start_ms(first) // 1000 for _, first, _ in periods],
        [days.end_ms(last) // 1000 for _, _, last in periods],
        [month_of(day) if of else NO_MONTH for day, of in zip(before, whole, strict=True)],
        [month_of(first) if of else NO_MONTH for (_, first, _), of in zip(periods, whole, strict=True)],
        [month_of(last) if of else NO_MONTH for (_, _, last), of in zip(periods, whole, strict=True)],
    )
    return Closed(*(np.array(column, np.int64) for column in columns))
