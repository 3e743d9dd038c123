"""The recount of how long before their loss lost customers had been warned of (definitions L8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from tests.recounting.customer import Customer
from tests.recounting.days import DAY, DAY_MS, day_of


def leads_of(customer: Customer, lost: date, zone: str, horizon_ms: Callable[[str], int]) -> Iterator[tuple[str, int]]:
    """What a customer who was lost on a day counts in."""
    for sign, opened_ms in customer.opened.items():
        opened = day_of(opened_ms, zone)
        horizon = opened + DAY * (horizon_ms(sign) // DAY_MS)
        if opened <= lost and (not customer.active or customer.active[-1] <= horizon):
            yield f"lead_customers:{sign}", 1
            yield f"lead_days:{sign}", (lost - opened).days
