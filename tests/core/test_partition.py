"""What no oracle of small inputs meets: growth, thousands of timers at once, ties in time, merging of partitions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from stream.core import kernel, retention
from stream.core.batch import Batch
from stream.core.calendar import DAY_MS
from stream.core.hashing import spans
from stream.core.partition import OtherPolicyError, Partition
from stream.core.policy import Policy
from stream.core.reporting import Reporting
from stream.core.retention import COUNTS, Head, Part
from stream.core.table import CustomerTable
from stream.wire.decode import decode

POLICY = Policy("test")
START_MS = 1_500_000_000_000


def events(*described: dict[str, Any]) -> Batch:
    lines = [json.dumps({"type": "order_completed", "amount": 5, **one}).encode() for one in described]
    batch, dead = decode(lines, None, 2**62, None, POLICY)
    assert not dead
    return batch


def regulars(customers: int, purchases: int) -> Batch:
    """Everybody buys every third day at the same instant."""
    return events(
        *(
            {"id": f"{c}-{i}", "customer_id": f"c{c:05}", "time": START_MS + 3 * i * DAY_MS}
            for i in range(purchases)
            for c in range(customers)
        )
    )


def test_a_burst_of_timers_is_cut_into_steps_and_loses_none() -> None:
    customers = 2 * kernel.TIMER_LIMIT + 17
    partition = Partition(POLICY, 0)
    batch = regulars(customers, 5)
    at = 0
    while at < len(batch):
        at = partition.apply(batch, at).next
    clock = events({"id": "end", "type": "clock_advanced", "time": START_MS + 60 * DAY_MS})
    opened: list[str] = []
    sizes: list[int] = []
    at = 0
    while at < len(clock):
        step = partition.apply(clock, at)
        at = step.next
        sizes.append(len(step.alerts))
        opened += [alert.customer_id for alert in step.alerts if alert.status == "opened"]
    assert opened == [f"c{c:05}" for c in range(customers)]  # same instant: in the order of their ids
    assert max(sizes) == kernel.TIMER_LIMIT
    assert sum(sizes) >= customers


def test_the_order_of_a_tie_does_not_depend_on_who_came_first() -> None:
    names = ["b", "a", "ab", "", "ä", "a" * 40]
    described = [
        {"id": f"{name}{i}", "customer_id": f"x{name}", "time": START_MS + 3 * i * DAY_MS}
        for i in range(5)
        for name in names
    ]
    described.append({"id": "end", "type": "clock_advanced", "time": START_MS + 60 * DAY_MS})
    step = Partition(POLICY, 0).apply(events(*described))
    opened = [alert.customer_id for alert in step.alerts if alert.status == "opened"]
    assert opened == sorted((f"x{name}" for name in names), key=str.encode)


def test_the_wall_clock_does_what_an_event_would() -> None:
    by_event, by_wall = Partition(POLICY, 0), Partition(POLICY, 0)
    batch = regulars(3, 6)
    until_ms = START_MS + 90 * DAY_MS
    for partition in (by_event, by_wall):
        partition.apply(batch)
    a = by_event.apply(events({"id": "end", "type": "clock_advanced", "time": until_ms}))
    b = by_wall.follow(until_ms)
    assert a.alerts
    assert (a.alerts, a.parts) == (b.alerts, b.parts)
    assert by_event.clock_ms == by_wall.clock_ms == until_ms - POLICY.alert_grace_ms


def test_a_table_finds_everybody_again_while_it_grows() -> None:
    table = CustomerTable()
    keys = [f"customer-{i}" for i in range(20_000)]
    for first in range(0, len(keys), 777):
        part = keys[first : first + 777]
        joined = "\x00".join([*part, keys[first // 2]]).encode()
        rows = table.rows_of(joined, *spans(joined, len(part) + 1))
        assert rows.tolist() == [*range(first, first + len(part)), first // 2]
    assert table.n == len(keys)
    assert [table.row_of(key) for key in keys[::997]] == list(range(0, len(keys), 997))
    assert table.row_of("customer-x") is None
    assert table.customer_id(12_345) == "customer-12345"


def test_rows_restored_from_their_changelog_are_the_same_bytes() -> None:
    one, other = Partition(POLICY, 0), Partition(POLICY, 0)
    one.apply(regulars(50, 6))
    keys, values = one.changes().lists()
    assert len([key for key in keys if not key.startswith(b"\x00")]) == 50
    assert not one.changes()
    other.load(keys, values)
    other.load_control(one.control())
    assert np.array_equal(one.table.rows[:50], other.table.rows[:50])
    later = events({"id": "end", "type": "clock_advanced", "time": START_MS + 90 * DAY_MS})
    assert one.apply(later).alerts == other.apply(later).alerts


def part(partition: int, counts: dict[str, list[int]], *, final: bool = True) -> Part:
    return Part(
        period="day", start=date(2017, 8, 1), partition=partition, counts=counts,
        provisional=False, final=final, revision=0, closed_at_ms=partition,
    )  # fmt: skip


def head(partition: int, before: date, history: date | None = date(2017, 1, 1)) -> Head:
    return Head(partition=partition, history_start=history, closed_before=before, final_before=before)


def merged(parts: list[Part], heads: list[Head], partitions: int) -> dict[str, retention.Record]:
    records = retention.merge(parts, heads, partitions, ("other", "young"), 90)
    return {record.segment: record for record in records}


def test_partitions_add_up_and_ratios_are_of_the_sums() -> None:
    parts = [
        part(0, {"other": [10, 9, 1, 0, 2, 0]}),
        part(1, {"other": [30, 28, 0, 0, 3, 1], "young": [1, 0, 0, 0, 1, 0]}),
    ]
    found = merged(parts, [head(0, date(2017, 9, 1)), head(1, date(2017, 9, 1))], 2)
    assert found["other"].counts == dict(zip(COUNTS, [40, 37, 1, 0, 5, 1], strict=True))
    assert found["all"].counts == dict(zip(COUNTS, [41, 37, 1, 0, 6, 1], strict=True))
    assert found["other"].churn == 5 / 40
    assert found["young"].crr == -0.0
    assert all(record.final and not record.provisional and not record.warmup for record in found.values())


def test_a_record_is_final_only_when_every_partition_is_that_far() -> None:
    parts = [part(0, {"other": [1, 1, 0, 0, 0, 0]})]
    ahead, behind = head(0, date(2017, 9, 1)), head(1, date(2017, 8, 1), None)
    assert not merged(parts, [ahead], 2)["all"].final  # nothing known of partition 1
    assert merged(parts, [ahead], 2)["all"].provisional
    assert not merged(parts, [ahead, behind], 2)["all"].final
    assert merged(parts, [ahead, head(1, date(2017, 8, 2), None)], 2)["all"].final
    assert not merged([part(0, {}, final=False)], [ahead], 1)["all"].final


def test_the_counts_of_any_day_balance() -> None:
    step = Partition(POLICY, 0).apply(
        events(
            *(
                {"id": f"{c}-{i}", "customer_id": f"c{c}", "time": START_MS + i * (c + 1) * 7 * DAY_MS}
                for i in range(12)
                for c in range(3)
            ),
        )
    )
    days = [one for one in step.parts if isinstance(one, Part) and one.period == "day" and not one.final]
    assert len(days) > 30
    for one in days:
        start, end, acquired, acquired_lost, lost, reactivated = one.counts.get("other", [0] * 6)
        assert end == start - lost + reactivated + acquired - acquired_lost
    ends = [one.counts["other"][1] for one in days if "other" in one.counts]
    starts = [one.counts["other"][0] for one in days if "other" in one.counts]
    assert all(end == start for end, start in pairwise([ends[0], *starts[1:2]]))


def test_rows_are_not_read_under_a_policy_that_gives_them_another_meaning() -> None:
    figures = Reporting(categories=("bread", "fish"), variants=("old",))
    written = Partition(replace(POLICY, segments=("other", "a", "b"), active_days=(90,) * 3, figures=figures), 0)
    written.apply(regulars(2, 2))
    for changes in (
        {"segments": ("other", "b", "a"), "active_days": (90,) * 3},
        {"segments": ("other", "a"), "active_days": (90,) * 2},
        {"zone": "Europe/Berlin"},
        {"currency": "EUR"},
        {"figures": Reporting(categories=("fish", "bread"))},
        {"figures": Reporting(categories=("bread",), variants=("new",))},
    ):
        with pytest.raises(OtherPolicyError, match="partition 0"):
            Partition(replace(written.policy, **changes), 0).load_control(written.control())
    more = replace(written.policy, segments=("other", "a", "b", "c"), active_days=(90,) * 4)
    Partition(more, 0).load_control(written.control())
    with pytest.raises(OtherPolicyError, match="rows of 3 bytes"):
        Partition(POLICY, 0).load([b"c"], [b"old"])


def test_who_buys_at_the_instant_of_a_burst_does_not_overtake_it() -> None:
    policy = replace(POLICY, alert_grace_ms=0)
    customers = kernel.TIMER_LIMIT + 2
    partition = Partition(policy, 0)
    batch = regulars(customers, 5)
    at = 0
    while at < len(batch):
        at = partition.apply(batch, at).next
    due_ms = int(partition.table.due_ms[0])
    last = events({"id": "back", "customer_id": f"c{customers - 1:05}", "time": due_ms})
    said: list[str] = []
    at = 0
    while at < len(last):
        step = partition.apply(last, at)
        at = step.next
        said += [f"{alert.customer_id} {alert.resolution or alert.status}" for alert in step.alerts]
    assert len(said) == customers + 1
    assert said[-2:] == [f"c{customers - 1:05} opened", f"c{customers - 1:05} retracted"]


def test_a_leap_of_years_is_cut_into_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.core.partition.SCAN_LIMIT", 100)
    partition = Partition(POLICY, 0)
    partition.apply(regulars(10, 2))
    clock = events({"id": "end", "type": "clock_advanced", "time": START_MS + 400 * DAY_MS})
    steps, at = 0, 0
    while at < len(clock):
        at = partition.apply(clock, at).next
        steps += 1
    assert steps > 30
    assert partition.clock_ms == START_MS + 400 * DAY_MS - POLICY.alert_grace_ms


def test_a_time_before_all_days_does_not_make_a_subscription_live_for_ever() -> None:
    policy = replace(POLICY, zone="America/New_York")
    partition = Partition(policy, 0)
    partition.apply(
        events(
            {
                "id": "1", "type": "subscription_started", "customer_id": "c", "subscription_id": "s", "time": START_MS,
                "auto_renew": False, "period_end": "0001-01-01T00:00:00Z",
            }
        )
    )  # fmt: skip
    step = partition.apply(events({"id": "2", "type": "clock_advanced", "time": START_MS + 10 * DAY_MS}))
    ends = [one.counts["other"][1] for one in step.parts if isinstance(one, Part) and "other" in one.counts]
    assert ends
    assert not any(ends)
