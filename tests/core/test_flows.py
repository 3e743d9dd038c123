"""The flows table by itself: slots, sums, and what is left of them in the changelog."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from stream.core.calendar import day_of
from stream.core.flows import KEY, Flows
from stream.core.policy import Policy

DAY = day_of(date(2017, 8, 30))  # a Wednesday; the month ends the day after


def filled(policy: Policy, *days: int) -> Flows:
    flows = Flows(policy)
    for day in days:
        flows.set(day, ["customer_days"], np.array([[day - DAY + 1]]))
    return flows


def customer_days(flows: Flows, period: str, start: int, last: int) -> int:
    values: NDArray[np.int64] = flows.of(period, start, last)
    return int(values[0, flows.names.index("customer_days")])


def test_a_period_is_the_sum_of_its_days_whether_final_or_not() -> None:
    flows = filled(Policy("test"), DAY, DAY + 1, DAY + 2)
    month, week = day_of(date(2017, 8, 1)), day_of(date(2017, 8, 28))
    for _ in range(2):
        assert customer_days(flows, "month", month, DAY + 1) == 1 + 2
        assert customer_days(flows, "week", week, DAY + 2) == 1 + 2 + 3
        flows.finish(DAY)
    assert customer_days(flows, "day", DAY, DAY) == 0, "a final day has gone into the sums"


def test_what_is_kept_is_bounded() -> None:
    flows = Flows(Policy("test"))
    changelog: dict[bytes, bytes | None] = {}
    for day in range(DAY, DAY + 800):
        flows.set(day, ["customer_days"], np.array([[1]]))
        flows.finish(day)
        changelog |= flows.changes()
    left = [key for key, value in changelog.items() if value is not None]
    assert all(key.startswith(KEY) for key in left)
    assert len(left) == 8, "of week, month, quarter and year the open one and the last"


def test_a_restored_table_goes_on_where_it_was() -> None:
    flows = filled(Policy("test"), DAY - 1, DAY, DAY + 1)
    flows.finish(DAY - 1)
    other = Flows(Policy("test"))
    other.load(flows.changes().items())
    other.restore()
    for one in (flows, other):
        one.finish(DAY)
        assert customer_days(one, "month", day_of(date(2017, 8, 1)), DAY + 1) == 0 + 1 + 2
    assert flows.changes() == other.changes()


def test_days_before_the_history_are_not_counted() -> None:
    policy = Policy("test", history_start=date(2017, 8, 30))
    assert Flows(policy).view.first[0] == DAY
