"""The calendar year: who was a customer when it began, which outlasts the days that a row remembers.

Owns: the bit CUSTOMER_BEFORE of a row, and the six counts of a year that read it (definitions R9). It is set in one
pass when the year's first day is final, as nothing can change the day before any more; until then the row remembers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.core.calendar import Calendar
from stream.core.retention import Spans, counts_of, is_customer, kinds_of_rows, segment_at, spans_of, what
from stream.core.row import CUSTOMER_BEFORE
from stream.core.table import CustomerTable
from stream.jit import njit


@njit
def _mark(
    rows: NDArray[np.void], more: NDArray[np.void], n: int, first: int, begin_s: int, active_days: NDArray[np.int64],
    dirty: NDArray[np.uint8], changed: NDArray[np.int32], changed_n: int,
) -> int:  # fmt: skip
    for i in range(n):
        r = rows[i]
        window = active_days[segment_at(r, begin_s - 1)]
        was = is_customer(r, more[r.more], first - 1, begin_s, window)
        if was != (r.member & CUSTOMER_BEFORE != 0):
            r.member ^= CUSTOMER_BEFORE
            if not dirty[i]:
                dirty[i] = 1
                changed[changed_n] = i
                changed_n += 1
    return changed_n


def mark(table: CustomerTable, first: int, active_days: Sequence[int], days: Calendar) -> None:
    """Note in every row whether it was a customer when the year that begins with the day `first` began."""
    windows = np.array(active_days, np.int64)
    table.changed_n = _mark(
        table.rows, table.more, table.n, first, days.start_ms(first) // 1000, windows, table.dirty, table.changed,
        table.changed_n,
    )  # fmt: skip


@njit
def _sort(
    rows: NDArray[np.void], more: NDArray[np.void], n: int, spans: Spans, marked: int, active_days: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:  # fmt: skip
    for i in range(n):
        r = rows[i]
        m = more[r.more]
        for k in range(spans.first.size):
            first, last = spans.first[k], spans.last[k]
            segment = segment_at(r, spans.begin_s[k] - 1)
            window = active_days[segment]
            if first == marked:
                at_start = r.member & CUSTOMER_BEFORE != 0
            else:
                at_start = is_customer(r, m, first - 1, spans.begin_s[k], window)
            at_end = is_customer(r, m, last, spans.end_s[k], window)
            found[k, segment, what(at_start, at_end, first <= r.first_day <= last)] += 1


def count(
    table: CustomerTable, periods: Sequence[tuple[int, int]], marked: int, active_days: Sequence[int], days: Calendar
) -> NDArray[np.int64]:
    """The counts of years (first day, last day), as `retention.count`; `marked` is the first day of the marked one."""
    found = kinds_of_rows(len(periods), len(active_days))
    if periods:
        windows = np.array(active_days, np.int64)
        _sort(table.rows, table.more, table.n, spans_of(periods, days), marked, windows, found)
    return counts_of(found)
