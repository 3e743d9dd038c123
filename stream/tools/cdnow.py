"""CDNOW as events: the purchases of a music shop's first customers.

Owns: how its rows become events of the contract. Knows nothing of Kafka or of customer rows.
The data come with the PyPI package lifetimes (MIT).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from stream.core.calendar import day_of
from stream.policies import load
from stream.tools.datasets import Event, data_file, in_half, last_event

if TYPE_CHECKING:
    from collections.abc import Iterator


def cdnow(half: str | None = None) -> Iterator[Event]:
    """Every purchase of the 23,570 customers who first bought at a music shop in the first quarter of 1997.

    One `order_completed` a row, until 1998-06-30. The source has days only: the time is noon UTC, which suits a policy
    in UTC like `default`. The base is sparse (51 % came on one day only, the median gap is 34 days): a policy for it
    sets `signs.silent.model` to `mu0 = 3.53` (ln 34) and `a = 0.6`.

    `half` as for `complete_journey`. Raises DataMissingError.
    """
    rows: list[tuple[str, str, int, int, float]] = []
    seen: defaultdict[tuple[str, str], int] = defaultdict(int)
    with data_file("lifetimes", "datasets/CDNOW_master.txt").open(encoding="ascii", newline="") as file:
        lines = csv.reader(file, delimiter=" ", skipinitialspace=True)
        next(lines)
        for customer_id, day, number_of_cds, dollars in lines:
            seen[day, customer_id] += 1
            if in_half(customer_id, half):
                rows.append((day, customer_id, seen[day, customer_id], int(number_of_cds), float(dollars)))
    rows.sort()
    for day, customer_id, number, items, paid in rows:
        order_id = f"{customer_id}-{day}-{number:02}"
        yield {
            "id": f"order:{order_id}",
            "source": "cdnow",
            "type": "order_completed",
            "customer_id": customer_id,
            "time": f"{day[:4]}-{day[4:6]}-{day[6:]}T12:00:00Z",
            "order_id": order_id,
            "amount": paid,
            "currency": "USD",
            "items": items,
        }
    yield last_event("cdnow", load("default"), day_of(date.fromisoformat(rows[-1][0])))
