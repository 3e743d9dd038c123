"""Customers who behave as the silence model says, with known parameters; as events, and as a history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from stream.core.policy import Policy
from stream.tools.history import History, batches, history

FIRST = date(2020, 1, 1)


class Truth(NamedTuple):
    """The population (shared design §5, memory 1)."""

    mu0: float
    k0: float
    a0: float
    b0: float
    a: float
    b: float


def purchase_days(truth: Truth, customers: int, days: int, seed: int) -> Iterator[list[int]]:
    """Per customer: mean and spread of the log gaps and the drop-out drawn from the priors, then purchases."""
    rng = np.random.default_rng(seed)
    for _ in range(customers):
        precision = rng.gamma(truth.a0, 1 / truth.b0)
        mean = rng.normal(truth.mu0, 1 / np.sqrt(truth.k0 * precision))
        leaves = rng.beta(truth.a, truth.b)
        found, day = [], int(rng.integers(0, 60))
        while day < days:
            found.append(day)
            if rng.random() < leaves:
                break
            day += max(1, round(min(float(np.exp(rng.normal(mean, 1 / np.sqrt(precision)))), 1e6)))
        yield found


def events(truth: Truth, customers: int, days: int, seed: int) -> list[bytes]:
    """The same as lines of JSON in order of time, with a clock that closes the last day."""
    orders = sorted(
        (day, f"c{c}") for c, found in enumerate(purchase_days(truth, customers, days, seed)) for day in found
    )
    lines = [
        json.dumps({
            "id": f"{who}-{day}", "type": "order_completed", "customer_id": who, "amount": 10, "currency": "USD",
            "time": f"{FIRST + timedelta(day)}T12:00:00Z", "order_id": f"{who}-{day}",
        }).encode()
        for day, who in orders
    ]  # fmt: skip
    clock = {"id": "clock", "type": "clock_advanced", "time": f"{FIRST + timedelta(days + 5)}T00:00:00Z"}
    return [*lines, json.dumps(clock).encode()]


def past(truth: Truth, customers: int, days: int, seed: int, policy: Policy) -> History:
    """The history of such events."""
    return history(batches(events(truth, customers, days, seed), policy), policy)
