"""Who was a customer when: from activity bitmaps to counts per period and segment.

Owns: membership (definitions R1–R4), the six counts of a period (R5), and the sum over partitions into day records (R6,
R7). Every count is a scan of the rows: nothing is counted up, so nothing can drift. Knows nothing of events, clocks or
Kafka.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core import rates
from stream.core.calendar import Calendar, date_of, day_of, period_end
from stream.core.row import ACTIVITY_DAYS, SUBSCRIPTION_EVENTS, SUBSCRIPTIONS, More, Row
from stream.core.table import CustomerTable
from stream.jit import njit, prefetch

COUNTS = ("start", "end", "acquired", "acquired_lost", "lost", "reactivated")
START, END, ACQUIRED, ACQUIRED_LOST, LOST, REACTIVATED = range(6)
ALL = "all"


@njit
def active_between(r: Row, first: int, last: int) -> bool:
    """Whether any day in first…last has qualifying activity, as far back as the row remembers."""
    if r.active_head <= last:  # the latest active day decides, NO_DAY included; most rows are told by it
        return r.active_head >= first
    first = max(first, r.active_head - ACTIVITY_DAYS + 1, r.first_day)
    while first <= last:
        bit = first % ACTIVITY_DAYS
        n = min(64 - bit % 64, last - first + 1)
        mask = (~np.uint64(0)) >> np.uint64(64 - n) << np.uint64(bit % 64)
        if r.active[bit // 64] & mask:
            return True
        first += n
    return False


@njit
def subscribed(m: More, day: int, end_s: int) -> bool:
    """Whether a subscription is live at the end of the day, which is the second `end_s` (definitions R2)."""
    for slot in range(SUBSCRIPTIONS):
        first = slot * SUBSCRIPTION_EVENTS
        for k in range(first + m.subscription_n[slot] - 1, first - 1, -1):
            if m.subscription_s[k] < end_s:
                if m.subscription_until[k] > day:
                    return True
                break
    return False


@njit
def is_customer(r: Row, m: More, day: int, end_s: int, active_days: int) -> bool:
    """Whether the row is a customer at the end of the day (definitions R3)."""
    return active_between(r, day - active_days + 1, day) or subscribed(m, day, end_s)


@njit
def segment_at(r: Row, time_s: int) -> int:
    """The code of the segment in force at a second (definitions S3)."""
    n = np.int64(r.segments_n)
    if n == 0:
        return 0
    at = 0
    while at + 1 < n and r.segment_s[at + 1] <= time_s:
        at += 1
    return int(r.segment[at])


class Spans(NamedTuple):
    """Periods as columns: first and last day, and the seconds at which the first begins and the last ends."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    begin_s: NDArray[np.int64]
    end_s: NDArray[np.int64]


def spans_of(periods: Sequence[tuple[int, int]], days: Calendar) -> Spans:
    """The columns of periods (first day, last day)."""
    return Spans(
        np.array([first for first, _ in periods], np.int64),
        np.array([last for _, last in periods], np.int64),
        np.array([days.start_ms(first) // 1000 for first, _ in periods], np.int64),
        np.array([days.end_ms(last) // 1000 for _, last in periods], np.int64),
    )


_AHEAD = 16  # rows


@njit
def _sort(
    rows: NDArray[np.void], more: NDArray[np.void], n: int, spans: Spans, active_days: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:  # fmt: skip
    """Count the rows by span, segment and what they are: 1 customer at the start, 2 at the end, 4 acquired.

    Rows of which the last active day tells all, most of them, are counted by that day, and the days once for each span.
    """
    begin, end = spans.first.min(), spans.last.max()
    earliest = begin - active_days.max()
    by_day = np.zeros((active_days.size, end + 1 - earliest), np.int64)
    for i in range(n):
        prefetch(rows, i + _AHEAD)
        r = rows[i]
        m = more[r.more]
        head, day = np.int64(r.active_head), np.int64(r.first_day)
        if m.subscription_n[0] == 0:
            if head < earliest:
                continue  # nobody's customer any more, or never one
            if (head == day or head < begin) and r.segments_n <= 1:
                if head <= end:
                    by_day[segment_at(r, 0), head - earliest] += 1
                continue
        for k in range(spans.first.size):
            segment = segment_at(r, spans.begin_s[k] - 1)
            at_start = is_customer(r, m, spans.first[k] - 1, spans.begin_s[k], active_days[segment])
            at_end = is_customer(r, m, spans.last[k], spans.end_s[k], active_days[segment])
            found[k, segment, what(at_start, at_end, spans.first[k] <= day <= spans.last[k])] += 1
    _sort_days(by_day, earliest, spans, active_days, found)


@njit
def _sort_days(
    by_day: NDArray[np.int64], earliest: int, spans: Spans, active_days: NDArray[np.int64], found: NDArray[np.int64]
) -> None:
    for segment in range(active_days.size):
        window = active_days[segment]
        for at in np.flatnonzero(by_day[segment]):
            day = earliest + at
            for k in range(spans.first.size):
                first, last = spans.first[k], spans.last[k]
                at_start = first - window <= day < first
                at_end = last - window < day <= last
                found[k, segment, what(at_start, at_end, first <= day <= last)] += by_day[segment, at]


@njit(inline=True)
def what(at_start: bool, at_end: bool, acquired: bool) -> Any:  # noqa: FBT001 (three bits)
    """The kind of a row in a period, a number below 8."""
    return np.int64(at_start) + 2 * np.int64(at_end) + 4 * np.int64(acquired)


_START, _END, _ACQUIRED = (np.arange(8) & bit != 0 for bit in (1, 2, 4))
# which of these make the counts, in the order of COUNTS
_SORTS = (_START, _END, _ACQUIRED, _ACQUIRED & ~_END, _START & ~_END, _END & ~_START & ~_ACQUIRED)


def count(
    table: CustomerTable, periods: Sequence[tuple[int, int]], active_days: Sequence[int], days: Calendar
) -> NDArray[np.int64]:
    """The counts of each period (first day, last day).

    An array (period, segment, count), the counts in the order of COUNTS.
    """
    found = kinds_of_rows(len(periods), len(active_days))
    if periods:
        _sort(table.rows, table.more, table.n, spans_of(periods, days), np.array(active_days, np.int64), found)
    return counts_of(found)


def kinds_of_rows(periods: int, segments: int) -> NDArray[np.int64]:
    """An empty array (period, segment, `what`), for how many rows are of each kind."""
    return np.zeros((periods, segments, _START.size), np.int64)


def counts_of(found: NDArray[np.int64]) -> NDArray[np.int64]:
    """The counts (period, segment, count) of so many rows of each kind."""
    return np.stack([found[:, :, sort].sum(axis=2) for sort in _SORTS], axis=2)


class Part(msgspec.Struct, frozen=True, kw_only=True, tag="part", tag_field="kind"):
    """One partition's counts of one period, on `retention.parts`. Segments without any count are left out."""

    period: str
    start: date
    partition: int
    counts: dict[str, list[int]]  # in the order of COUNTS
    figures: dict[str, dict[str, int]] = {}  # by segment and measure (core.measures), zeros left out
    currency: str = ""  # of what is money in `figures`, which is in minor units
    provisional: bool
    final: bool
    revision: int
    closed_at_ms: int  # the alert clock when these counts were made

    @property
    def key(self) -> str:
        """The key on the compacted topic: a later part of the same period takes this one's place."""
        return f"{self.period}:{self.start}:{self.partition}"


class Head(msgspec.Struct, frozen=True, kw_only=True, tag="head", tag_field="kind"):
    """How far one partition is: days before these are closed and final; nothing happened before `history_start`."""

    partition: int
    history_start: date | None
    closed_before: date
    final_before: date

    @property
    def key(self) -> str:
        """The key on the compacted topic."""
        return f"head:{self.partition}"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One period of one segment, all partitions together, on `retention.daily`. A ratio whose base is 0 is None."""

    period: str
    start: date
    segment: str
    counts: dict[str, int]
    figures: dict[str, int]  # by measure (core.measures), zeros left out; money in minor units of `currency`
    currency: str
    crr: float | None
    crr_strict: float | None
    churn: float | None
    churn_net: float | None
    provisional: bool
    final: bool
    warmup: bool
    revision: int
    closed_at_ms: int

    @property
    def key(self) -> str:
        """The key on the compacted topic."""
        return f"{self.period}:{self.start}:{self.segment}"


def merge(
    parts: Iterable[Part], heads: Iterable[Head], partitions: int, segments: Sequence[str], warmup_days: int,
    history_start: date | None = None,
) -> list[Record]:  # fmt: skip
    """Day records from the latest part of each partition and period: counts added up, ratios of the sums.

    A record is closed, and final, only when every partition has closed it, or made it final; a partition that began
    after the period counts as nothing once it is that far. `warmup_days` is the largest W of the policy.
    """
    head_of = {head.partition: head for head in heads}
    began = [head.history_start for head in head_of.values() if head.history_start is not None]
    history = history_start or min(began, default=None)
    by_period: dict[tuple[str, date], dict[int, Part]] = {}
    for part in parts:
        by_period.setdefault((part.period, part.start), {})[part.partition] = part
    records: list[Record] = []
    for (period, start), own in by_period.items():
        last = date_of(period_end(period, day_of(start)))
        silent = [head_of.get(p) for p in range(partitions) if p not in own]
        closed = all(head is not None and head.closed_before > last for head in silent)
        final = all(head is not None and head.final_before > last for head in silent)
        warmup = history is None or day_of(start) < day_of(history) + warmup_days
        records += [
            _record(period, start, segment, list(own.values()), closed=closed, final=final, warmup=warmup)
            for segment in (ALL, *segments)
        ]
    return records


def _record(
    period: str, start: date, segment: str, parts: list[Part], *, closed: bool, final: bool, warmup: bool
) -> Record:
    sums = [0] * len(COUNTS)
    figures: Counter[str] = Counter()
    for part in parts:
        for name, own in part.figures.items():
            if segment in (ALL, name):
                figures.update(own)
        for name, counts in part.counts.items():
            if segment in (ALL, name):
                sums = [a + b for a, b in zip(sums, counts, strict=True)]
    s, e, n, _, lost, _ = sums
    known = not warmup
    return Record(
        period=period,
        start=start,
        segment=segment,
        counts=dict(zip(COUNTS, sums, strict=True)),
        figures={name: value for name, value in figures.items() if value},
        currency=max(part.currency for part in parts),
        crr=rates.crr(s, e, n) if known else None,
        crr_strict=rates.crr_strict(s, lost) if known else None,
        churn=rates.churn(s, lost) if known else None,
        churn_net=rates.churn_net(s, e) if known else None,
        provisional=not closed or any(part.provisional for part in parts),
        final=final and all(part.final for part in parts),
        warmup=warmup,
        revision=sum(part.revision for part in parts),
        closed_at_ms=max(part.closed_at_ms for part in parts),
    )
