"""The recount of how long before their loss lost customers had been warned of (definitions L8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date

from tests.recounting.alerts import Alerts
from tests.recounting.customer import Customer, is_customer, segment_at
from tests.recounting.days import DAY, DAY_MS, day_of, end_of


def leads_on(lost: date, now_ms: float, customers: Mapping[str, Customer], alerts: Alerts) -> Counter[tuple[str, str]]:
    """What those lost on a day count in, by what is known of alerts when A stands at `now_ms`."""
    found: Counter[tuple[str, str]] = Counter()
    zone = alerts.rules.zone
    for customer in customers.values():
        segment = segment_at(customer, end_of(lost - DAY, zone) // 1000 - 1)
        was, stays = (is_customer(customer, day, alerts.rules.active_days[segment], zone) for day in (lost - DAY, lost))
        for sign, opened in _warnings(customer, now_ms, zone) if was and not stays else ():
            horizon = opened + DAY * (alerts.horizon_ms(sign) // DAY_MS)
            if opened <= lost and (not customer.active or customer.active[-1] <= horizon):
                found[segment, f"lead_customers:{sign}"] += 1
                found[segment, f"lead_days:{sign}"] += (lost - opened).days
    return found


def _warnings(customer: Customer, now_ms: float, zone: str) -> Iterator[tuple[str, date]]:
    """The day of the latest opening of each sign."""
    for sign, all_opened in customer.opened.items():
        for known_ms, opened_ms in reversed(all_opened):
            if known_ms <= now_ms:
                yield sign, day_of(opened_ms, zone)
                break
