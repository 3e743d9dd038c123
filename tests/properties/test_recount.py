"""The core held against the recount: for any sequence of events both find the same (docs/definitions.md)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.adapter import Outcome, run
from tests.properties.strategies import DAY_MS, MINUTE_MS, Case, cases, clock
from tests.recount import Recount, recount


def differences(found: dict[Any, Any], expected: dict[Any, Any]) -> list[str]:
    keys = sorted(set(found) | set(expected), key=lambda key: (key[1], key))
    return [
        f"{key}: found {found.get(key)}, expected {expected.get(key)}"
        for key in keys
        if found.get(key) != expected.get(key)
    ]


def same_as_recount(found: Outcome, expected: Recount) -> None:
    assert found.too_late == expected.too_late
    assert found.duplicates == len(expected.duplicates)
    assert found.alerts == expected.alerts
    assert found.customers == sum(one.seen for shard in expected.shards for one in shard.customers.values())
    assert not differences(found.records, expected.records)


def same(found: Outcome, expected: Outcome) -> None:
    assert found.too_late == expected.too_late
    assert found.duplicates == expected.duplicates
    assert found.alerts == expected.alerts
    assert found.customers == expected.customers
    assert not differences(found.records, expected.records)


def partition_of(name: str) -> int:
    return sum(name.encode()) % 3


@given(cases())
def test_core_equals_recount(case: Case) -> None:
    """T1–T7, S1–S4, C1, R1–R8, A1–A6: alerts and their order, closed and final records, too late, duplicates."""
    same_as_recount(run(case.events, case.policy), recount(case.events, case.policy))


@given(cases(late=False, ended=True))
def test_core_equals_recount_in_order(case: Case) -> None:
    """The same where nothing is late: more of it gets as far as an alert."""
    same_as_recount(run(case.events, case.policy), recount(case.events, case.policy))


@given(cases(), st.data())
def test_batch_borders_change_nothing(case: Case, data: st.DataObject) -> None:
    """T4: what happens depends on the events and their order alone."""
    cuts = data.draw(st.sets(st.integers(1, len(case.events)))) if data.draw(st.booleans()) else range(len(case.events))
    same(run(case.events, case.policy, cuts=cuts), run(case.events, case.policy))


@given(cases(), st.data())
def test_restarts_change_nothing(case: Case, data: st.DataObject) -> None:
    """All that the partition knows is in its rows and its control record."""
    restarts = data.draw(st.sets(st.integers(1, len(case.events)), max_size=5))
    same(run(case.events, case.policy, restarts=restarts), run(case.events, case.policy))


@given(cases())
def test_partitions_equal_recount(case: Case) -> None:
    """R6, R8 over partitions, whose clocks differ: counts add up."""
    expected = recount(case.events, case.policy, 3, partition_of)
    found = run(case.events, case.policy, partitions=3, partition_of=partition_of)
    assert sorted(found.too_late) == sorted(expected.too_late)
    assert sorted(found.alerts, key=str) == sorted(expected.alerts, key=str)
    assert not differences(found.records, expected.records)


@given(cases(late=False, ended=True))
def test_partitions_change_nothing_in_order(case: Case) -> None:
    """T5: the set of alerts, and the final records, do not depend on the number of partitions."""
    one = run(case.events, case.policy)
    three = run(case.events, case.policy, partitions=3, partition_of=partition_of)
    assert sorted(three.alerts, key=str) == sorted(one.alerts, key=str)
    assert not differences(three.records, one.records)


def calm(case: Case) -> list[dict[str, Any]]:
    """A case in order, without what is documented to go by arrival.

    That is: repeated ids, segments that change (S2), more subscriptions, or events of one, than are told apart (R2),
    any two events at the same time, and erasures.
    """
    segments = {"a": "young", "b": "old"}
    ids: set[str] = set()
    times: set[int] = set()
    subscriptions: Counter[tuple[str, str]] = Counter()
    kept: list[dict[str, Any]] = []
    for event in sorted(case.events, key=lambda event: event["time"]):
        if event["type"] in ("clock_advanced", "customer_erased") or event["id"] in ids or event["time"] in times:
            continue
        if "subscription_id" in event:
            subscriptions[event["customer_id"], event["subscription_id"]] += 1
            known = subscriptions[event["customer_id"], event["subscription_id"]]
            if known > 3 or event["subscription_id"] == "5":  # R2: of four, three each, all are remembered
                continue
        ids.add(event["id"])
        times.add(event["time"])
        kept.append(event | {"segment": segments.get(event["customer_id"])})
    return kept


@given(cases(late=False), st.data())
def test_arrival_within_lateness_changes_no_final_record(case: Case, data: st.DataObject) -> None:
    """R7: a final record holds all that was to come, in whatever order it came."""
    events = calm(case)
    end = clock(max([event["time"] for event in events], default=0) + 100 * DAY_MS)
    bound_ms = DAY_MS * case.policy["allowed_lateness_days"] + MINUTE_MS * case.policy["alert_grace_minutes"]
    delays = data.draw(st.lists(st.floats(0, 1), min_size=len(events), max_size=len(events)))
    arrivals = sorted(
        (event["time"] + int(delay * bound_ms), number)
        for number, (event, delay) in enumerate(zip(events, delays, strict=True))
    )
    in_order = run([*events, end], case.policy)
    shuffled = run([*(events[number] for _, number in arrivals), end], case.policy)
    assert shuffled.too_late == in_order.too_late == []
    assert not differences(counted(shuffled), counted(in_order))


def counted(outcome: Outcome) -> dict[Any, Any]:
    """Final records without what goes by arrival, as documented: which order was the first, whose segment was known."""
    return {
        key: {name: value for name, value in record.items() if name != "figures"}
        for key, record in outcome.records.items()
    }
