"""Versions of the policy, each from a business day on (definitions P1)."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from stream.core.alerts import Alert
from stream.core.calendar import day_of
from stream.core.partition import Partition
from stream.core.policy import Policy, parse
from stream.core.schedule import Schedule
from stream.wire.decode import decode

FIRST = date(2024, 1, 1)
CHANGE = 100  # the day from which the second version is in force
MILD = parse("[signs.silent]\ntheta = 0.2\n", "mild")
STRICT = parse("[signs.silent]\ntheta = 0.6\n", "strict")


def lines() -> list[bytes]:
    """Three weekly shoppers, one who stops before the change and two after; a clock every day to day 200."""
    orders = [
        (day, who)
        for who, (first, stop) in {"before": (0, 50), "across": (1, 95), "after": (2, 140)}.items()
        for day in range(first, stop, 7)
    ]
    events = [
        {"id": f"{who}-{day}", "type": "order_completed", "customer_id": who, "amount": 9, "day": day}
        for day, who in orders
    ] + [{"id": f"clock-{day}", "type": "clock_advanced", "day": day} for day in range(200)]
    events.sort(key=lambda one: int(str(one["day"])))
    stamped = [{**one, "time": f"{FIRST + timedelta(int(str(one['day'])))}T12:00:00Z"} for one in events]
    return [json.dumps(one).encode() for one in stamped]


def run(schedule: Schedule, at_once: int) -> list[Alert]:
    partition, found = Partition(schedule.first, 0, schedule), []
    for first in range(0, len(lines()), at_once):
        batch, dead = decode(lines()[first : first + at_once], None, 2_000_000_000_000, None, schedule.first)
        assert not dead
        start = 0
        while start < len(batch):
            step = partition.apply(batch, start)
            start = step.next
            found += step.alerts
        partition.changes()
    return found


def opened(alerts: list[Alert]) -> dict[str, tuple[int, str]]:
    """Of each customer: after how many days of silence, and under which policy."""
    return {
        one.customer_id: (round(one.event_time_ms / 86_400_000 - day_of(one.episode_day) - 0.5), one.policy)
        for one in alerts
        if one.status == "opened" and one.sign == "silent"
    }


def changed() -> Schedule:
    schedule = Schedule(MILD)
    assert schedule.add(day_of(FIRST) + CHANGE, STRICT) == []
    return schedule


def test_a_version_is_in_force_from_its_day_on() -> None:
    schedule = changed()
    day = day_of(FIRST) + CHANGE
    assert schedule.in_force(day - 1) is MILD
    assert schedule.in_force(day) is STRICT
    assert schedule.in_force(day + 1000) is STRICT
    schedule.remove(day)
    assert schedule.in_force(day) is MILD


def test_thresholds_change_in_event_time_without_a_replay() -> None:
    mild, strict = opened(run(Schedule(MILD), 1000)), opened(run(Schedule(STRICT), 1000))
    found = opened(run(changed(), 1000))
    assert mild["after"][0] < strict["after"][0], "the versions differ"
    assert found["before"] == mild["before"]
    assert found["after"] == strict["after"]
    assert found["across"][0] == mild["across"][0], "a silence that had begun keeps the day on which it fires"
    assert {policy for _, policy in found.values()} <= {MILD.hash, STRICT.hash}
    assert found["before"][1] != found["after"][1]


@pytest.mark.parametrize("at_once", [1, 7, 64])
def test_batch_borders_change_nothing(at_once: int) -> None:
    assert run(changed(), at_once) == run(changed(), 1000)


def test_one_that_comes_while_the_partition_runs_is_taken_up() -> None:
    schedule = Schedule(MILD)
    partition = Partition(MILD, 0, schedule)
    batch, _ = decode(lines(), None, 2_000_000_000_000, None, MILD)
    half = len(batch) // 2
    start = 0
    while start < half:
        start = partition.apply(batch, start, half).next
    assert partition.policy is MILD
    assert partition.policy_since_ms == 0
    schedule.add(day_of(FIRST) + 110, STRICT)
    while start < len(batch):
        start = partition.apply(batch, start).next
    assert partition.policy is STRICT
    assert partition.policy_since_ms == (day_of(FIRST) + 110) * 86_400_000


def test_what_rows_are_counted_by_cannot_change() -> None:
    schedule = Schedule(Policy("first"))
    for text in (
        'zone = "Europe/Vienna"',
        "active_days = 30",
        'segments = ["a"]',
        'currency = "EUR"',
        '[figures]\ncategories = ["a"]',
    ):
        wrong = schedule.add(20_000, parse(text, "other"))
        assert text.split("\n")[-1].split(" ")[0] in "; ".join(wrong)
    assert schedule.in_force(30_000) is schedule.first
