"""How long before their loss customers had been warned of, and what a partition shows of its customers, by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stream.core.lifecycle import Stage
from stream.core.partition import Partition, Step
from stream.core.policy import Policy, parse
from stream.core.retention import Part
from stream.core.signs import Sign
from stream.wire.decode import decode

DAY_MS = 86_400_000
FIRST = 7_400  # 1990-04-06
POLICY = parse("history_start = 1990-04-06\nactive_days = 30\n[signs.cooling]\nhorizon_days = 10\n", "test")


def event(kind: str, day: float, customer: str = "c", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "time": int((FIRST + day) * DAY_MS), "customer_id": customer, **fields}


def nps(day: float, score: int, customer: str = "c") -> dict[str, Any]:
    return event("survey_answered", day, customer, survey="nps", score=score)


def until(day: float) -> dict[str, Any]:
    return event("clock_advanced", day) | {"customer_id": None}


def fed(*events: dict[str, Any], policy: Policy = POLICY) -> tuple[Partition, dict[int, dict[str, int]]]:
    """A partition after the events, and the figures of each day as they were last said."""
    partition, days = Partition(policy, 0), {}
    plain = [{"id": str(n), **{k: v for k, v in one.items() if v is not None}} for n, one in enumerate(events)]
    batch, dead = decode([json.dumps(one).encode() for one in plain], None, 10**13, None, policy)
    assert not dead
    start = 0
    while start < len(batch):
        step: Step = partition.apply(batch, start)
        start = step.next
        for part in step.parts:
            if isinstance(part, Part) and part.period == "day":
                days[(part.start.toordinal() - 719_163) - FIRST] = part.figures.get("other", {})
    return partition, days


def leads(figures: dict[str, int]) -> dict[str, int]:
    return {name: value for name, value in figures.items() if name.startswith("lead_")}


def test_a_lead_is_from_the_opening_to_the_day_of_the_loss() -> None:
    """Last active on day 10, unhappy on day 15, no customer any more at the end of day 40."""
    _, days = fed(event("session", 10.5), nps(15.5, 2), until(50))
    assert leads(days[40]) == {"lead_customers:detractor": 1, "lead_days:detractor": 25}
    assert not any(leads(figures) for day, figures in days.items() if day != 40)


def test_who_came_back_in_time_was_not_lost() -> None:
    """The alert of day 15 is judged on day 71; the visit of day 30 moves the loss to day 60."""
    partition, days = fed(event("session", 10.5), nps(15.5, 2), event("session", 30.5), until(80))
    assert leads(days[40]) == {}
    assert leads(days[60]) == {"lead_customers:detractor": 1, "lead_days:detractor": 45}
    assert partition.outcomes.ended["other", "detractor", "returned"] == 1


def test_outcomes_are_counted_as_alerts_end() -> None:
    """One is judged after 56 days of nothing, one is open still, one ends with a better answer."""
    partition, _ = fed(nps(1.5, 2, "a"), nps(30.5, 2, "b"), nps(31.5, 2, "c"), nps(32.5, 9, "c"), until(70))
    assert dict(partition.outcomes.ended) == {
        ("other", "detractor", "churned"): 1,
        ("other", "detractor", "recovered"): 1,
    }


def test_an_alert_whose_horizon_was_over_told_of_nothing() -> None:
    """Cooling on day 12, and seen again on day 30, twenty days after: what comes then has other reasons."""
    _, days = fed(event("session", 10.5), nps(11.5, 10), nps(12.5, 7), event("session", 30.5), until(80))
    assert leads(days[60]) == {}


@pytest.mark.parametrize(("period_end", "lost"), [(None, 20), (25.5, 25)])
def test_a_live_subscription_is_no_loss(period_end: float | None, lost: int) -> None:
    """Without any activity a customer is lost when the contract ends, not 30 days after nothing."""
    ends: dict[str, Any] = {} if period_end is None else {"period_end": int((FIRST + period_end) * DAY_MS)}
    subscription: dict[str, Any] = {"subscription_id": "s", "mrr": 10}
    _, days = fed(
        event("subscription_started", 2.5, **subscription),
        event("subscription_cancelled", 20.5, **subscription, **ends),
        until(80),
    )
    found = {day: leads(figures) for day, figures in days.items() if leads(figures)}
    assert found[lost]["lead_customers:cancelling"] == 1
    assert found[lost].get("lead_days:cancelling", 0) == lost - 20  # none when the word is the end
    assert list(found) == [lost]


def test_stages_and_open_alerts_are_as_the_rows_say() -> None:
    partition, _ = fed(event("session", 2.5, "gone"), event("session", 30.5, "new"), nps(30.6, 0, "new"), until(40))
    found = partition.gauges()
    stages = {stage.name: int(found.customers[0, stage]) for stage in Stage}
    assert stages == {"prospect": 0, "new": 0, "active": 0, "at_risk": 1, "lapsed": 1}
    assert {sign.name for sign in Sign if found.open_alerts[0, sign]} == {"detractor"}
