"""The benchmarks' input is what they say it is: orders that the product accepts, of every customer."""

from __future__ import annotations

import time

from benchmarks.load import customer_id, orders
from stream.policies import load
from stream.wire.decode import decode


def test_every_customer_orders_and_every_order_is_accepted_in_time_order() -> None:
    keys, values = zip(*orders(5_000, 1_000), strict=True)
    assert set(keys) == {customer_id(number) for number in range(1_000)}
    now_ms = int(time.time() * 1000)
    batch, dead = decode(list(values), list(keys), now_ms, None, load("default"))
    assert dead == []
    times = batch.time_ms.tolist()
    assert len(times) == 5_000
    assert times == sorted(times)
