"""Who is forgotten because nothing was heard of them for long.

Owns: that choice (definitions H3). Knows nothing of events and alerts but whether one is open.
"""

from __future__ import annotations

import numpy as np

from stream.core.life import DAY_S
from stream.core.retention import subscribed
from stream.core.table import CustomerTable


def forget_old(table: CustomerTable, day: int, now_s: int, after_days: int) -> None:
    """Wipe customers not seen for `after_days`, who have no open alert and no subscription that lives on `day`."""
    rows = table.rows[: table.n]
    old_s = max(now_s - after_days * DAY_S, 0)
    silent = (rows["seen_s"] < old_s) & (rows["seen_s"] > 0) & (rows["open"] == 0)
    for row in np.flatnonzero(silent).tolist():
        if not subscribed(table.more_of(row), day, now_s):
            table.wipe(row)
