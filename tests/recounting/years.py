"""The recount of who was a customer when a year began (R9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from tests.recounting.customer import Customer, is_customer, segment_at
from tests.recounting.days import DAY, end_of, period_of
from tests.recounting.rules import Rules


class Years:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.first: date | None = None  # of the latest year of which the first day is final,
        self.customers: set[str] = set()  # and who was one when it began

    def settle(self, customers: Mapping[str, Customer], final: date) -> None:
        """R9: "settled when the year's first day is final"; `final` is the last day that is."""
        year = period_of("year", final)
        if year != self.first:
            before, zone = year - DAY, self.rules.zone
            self.first = year
            self.customers = {
                name
                for name, customer in customers.items()
                for segment in [segment_at(customer, end_of(before, zone) // 1000 - 1)]  # S4
                if is_customer(customer, before, self.rules.active_days[segment], zone)
            }
