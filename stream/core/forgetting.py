"""Who is forgotten because nothing was heard of them for long.

Owns: that choice (definitions H3). Knows nothing of events and alerts but whether one is open.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.core.life import DAY_S
from stream.core.retention import subscribed
from stream.core.table import CustomerTable
from stream.jit import njit, prefetch

_AHEAD = 16  # rows
_LAST_READ = 45  # the byte of a row


@njit
def _silent(rows: NDArray[np.void], n: int, old_s: int) -> list[int]:
    """Rows without an open alert that were seen, but not since `old_s`."""
    found = []
    for i in range(n):
        prefetch(rows, i + _AHEAD, _LAST_READ)
        r = rows[i]
        if 0 < r.seen_s < old_s and r.open == 0:
            found.append(i)
    return found


def forget_old(table: CustomerTable, day: int, now_s: int, after_days: int) -> None:
    """Wipe customers not seen for `after_days`, who have no open alert and no subscription that lives on `day`."""
    for row in _silent(table.rows, table.n, now_s - after_days * DAY_S):
        if not subscribed(table.more_of(row), day, now_s):
            table.wipe(row)
