"""What is true of all customers of a partition now: a scan of its rows, never a running count.

Owns: the numbers behind the business gauges. After a restore or a rebalance they are right by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.core.lifecycle import Stage, stage_of
from stream.core.retention import segment_at
from stream.core.row import SIGNS
from stream.core.table import CustomerTable
from stream.jit import njit


@dataclass(frozen=True, slots=True, eq=False)
class Gauges:
    """Counts by segment code (and Stage, or Sign, the second axis)."""

    customers: NDArray[np.int64]
    open_alerts: NDArray[np.int64]


@njit
def _scan(
    rows: NDArray[np.void], more: NDArray[np.void], n: int, day: int, end_s: int, active_days: NDArray[np.int64],
    min_purchase_days: int, customers: NDArray[np.int64], open_alerts: NDArray[np.int64],
) -> None:  # fmt: skip
    for i in range(n):
        r = rows[i]
        if r.seen_s == 0:
            continue  # only ever heard of in events that were refused
        m = more[r.more]
        segment = segment_at(r, end_s - 1)
        customers[segment, stage_of(r, m, day, end_s, active_days[segment], min_purchase_days)] += 1
        if r.open:
            for sign in range(SIGNS):
                open_alerts[segment, sign] += (r.open >> sign) & 1


def scan(table: CustomerTable, day: int, end_s: int, active_days: tuple[int, ...], min_purchase_days: int) -> Gauges:
    """The gauges as of a day (whose end is the second `end_s`)."""
    segments = len(active_days)
    gauges = Gauges(np.zeros((segments, len(Stage)), np.int64), np.zeros((segments, SIGNS), np.int64))
    active = np.array(active_days, np.int64)
    _scan(
        table.rows, table.more, table.n, day, end_s, active, min_purchase_days, gauges.customers, gauges.open_alerts
    )  # fmt: skip
    return gauges
