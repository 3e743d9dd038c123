"""The recount of what customers' days say of a closed period (definitions W): activity, lifecycle, cohorts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date

from tests.recounting.customer import Customer
from tests.recounting.days import DAY, period_of


def activity_of(customer: Customer, kind: str, first: date, last: date) -> Iterator[str]:
    """What one customer counts in, once each."""
    days = customer.active

    def active(a: date, b: date) -> bool:
        return bisect_left(days, a) < bisect_right(days, b)  # any of them in [a, b]

    # W1: "on the period's last day, and in the 7 and the 30 days up to it"
    yield from ["dau"] * active(last, last)
    yield from ["wau"] * active(last - 6 * DAY, last)
    yield from ["mau"] * active(last - 29 * DAY, last)
    # W2
    before = active(period_of(kind, first - DAY), first - DAY)
    if active(first, last):
        acquired = customer.acquired is not None and first <= customer.acquired <= last
        yield "new" if acquired else "returning" if before else "resurrected"
        yield from ["buyers"] * (customer.orders >= 1)
        yield from ["repeat_buyers"] * (customer.orders >= 2)
    elif before:
        yield "dormant"
    # W3: "day N after the day of acquisition lies in the period"
    for n in (1, 7, 14, 30, 60, 90):
        if customer.acquired is not None and first <= customer.acquired + n * DAY <= last:
            yield f"members:d{n}"
            yield from [f"active:d{n}"] * (customer.acquired + n * DAY in days)
            yield from [f"later:d{n}"] * active(customer.acquired + n * DAY, last)  # W10
        if customer.acquired is not None and first <= customer.acquired + (n + 6) * DAY <= last:
            yield f"bracket_members:d{n}"
            yield from [f"bracket_active:d{n}"] * active(customer.acquired + n * DAY, customer.acquired + (n + 6) * DAY)
