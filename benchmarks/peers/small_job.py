"""The small job of the benchmark in Python: decode an order, update the customer's row of 383 bytes.

Shared by the Python peers, and the same as OrderJob.java to the byte. Knows neither framework. It decodes with the
fastest way there is in Python (msgspec, typed), the one `lapse` itself uses, so that a peer is not held back by it.
"""

from __future__ import annotations

import math
import struct
from datetime import datetime
from decimal import Decimal

import msgspec

ROW = struct.Struct("<4q3d327x")  # first, last, orders, revenue; weight, mean and spread of the log gaps; the rest
DAY_MS = 86_400_000.0


class Order(msgspec.Struct):
    """What the job reads of an order; the rest of the event is skipped."""

    id: str
    type: str
    customer_id: str
    time: datetime
    order_id: str
    amount: Decimal
    currency: str


decode = msgspec.json.Decoder(Order).decode


def update(row: bytes | None, value: bytes) -> bytes:
    """The customer's row after the order in `value`."""
    order = decode(value)
    time_ms = int(order.time.timestamp() * 1000)
    amount = int(order.amount.scaleb(2))
    if row is None:
        return ROW.pack(time_ms, time_ms, 1, amount, 0.0, 0.0, 0.0)
    first, last, orders, revenue, weight, mean, spread = ROW.unpack(row)
    before = 0.9 * weight
    weight = before + 1.0
    d = math.log(max((time_ms - last) / DAY_MS, 1.0)) - mean
    spread = 0.9 * spread + d * d * before / weight
    return ROW.pack(first, time_ms, orders + 1, revenue + amount, weight, mean + d / weight, spread)
