"""Figures as series of a worker: what is shown, sums over partitions, and how many there may be."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from stream import metrics, policies
from stream.core.partition import Partition
from stream.core.policy import Policy, parse
from stream.wire.decode import decode
from stream.worker import business
from stream.worker.job import real_job
from stream.worker.meters import Meters
from stream.worker.totals import Totals

DAY_MS = 86_400_000
POLICY = parse("history_start = 1990-04-06\nactive_days = 1\n[targets.crr]\nall = 0.9", "test")


def fed(policy: Policy, *events: dict[str, Any]) -> Partition:
    partition = Partition(policy, 0)
    plain = [{"id": str(number), "customer_id": "c", **event} for number, event in enumerate(events)]
    batch, dead = decode([json.dumps(event).encode() for event in plain], None, 10**13, None, policy)
    assert not dead
    partition.apply(batch)
    return partition


def order(day: float, amount: float, **fields: Any) -> dict[str, Any]:
    return {"type": "order_completed", "time": int((7_400 + day) * DAY_MS), "amount": amount, **fields}


def shown(partition: Partition, policy: Policy = POLICY) -> dict[tuple[str, ...], float]:
    return {
        (metric.name, *labels): value
        for metric, series in business.figures(policy, partition)
        for labels, value in series
    }


def test_cross_sells_are_shown_where_categories_are_listed() -> None:
    listed = parse('[figures]\ncategories = ["dairy"]', "test")
    assert ("lapse_orders", "other", "day", "cross") in shown(fed(listed, order(0.2, 10)), listed)
    assert ("lapse_orders", "other", "day", "cross") not in shown(fed(POLICY, order(0.2, 10)))


def test_an_open_day_shows_its_flows_at_once_and_a_closed_one_keeps_them() -> None:
    partition = fed(POLICY, order(0.2, 10), order(0.3, 5.5))
    now = shown(partition)
    assert now["lapse_order_revenue", "other", "day", "all"] == 15.5
    assert now["lapse_orders", "other", "month", "first"] == 1
    assert ("lapse_orders", "other", "last_day", "all") not in now or now[
        "lapse_orders", "other", "last_day", "all"
    ] == 0
    partition = fed(POLICY, order(0.2, 10), order(0.3, 5.5), order(1.5, 7))
    now = shown(partition)
    assert now["lapse_order_revenue", "other", "last_day", "all"] == 15.5
    assert now["lapse_order_revenue", "other", "day", "all"] == 7
    assert now["lapse_order_revenue", "other", "month", "all"] == 22.5
    assert now["lapse_active_customers", "other", "last_day", "dau"] == 1
    assert now["lapse_period_start_timestamp_seconds", "last_day"] == 7_400 * 86_400
    assert now["lapse_target_crr_ratio", "all", "month"] == 0.9


def test_what_is_shown_is_the_same_after_a_restore() -> None:
    partition = fed(POLICY, *(order(day, 10, discount=1) for day in (0.2, 3.1, 5, 9, 31, 33, 40.5)))
    again = Partition(POLICY, 0)
    keys, values = partition.changes().lists()
    again.load(keys, values)
    again.load_control(partition.control())
    assert shown(again) == shown(partition)
    assert any(key.startswith(b"\x00flow:month") for key in keys), "a final day is in a sum"


def test_a_worker_shows_the_sum_over_its_partitions_and_forgets_those_that_go() -> None:
    totals, meters = Totals(), Meters()
    metric = metrics.FIGURES["orders"]
    totals.put(0, metric, [(("other", "day", "all"), 2.0)])
    totals.put(1, metric, [(("other", "day", "all"), 3.0), (("gold", "day", "all"), 1.0)])
    totals.put(0, metrics.PERIOD_START, [(("day",), 86_400.0)])
    totals.put(1, metrics.PERIOD_START, [(("day",), 0.0)])
    totals.show(meters)
    values = meters.snapshot(ready=True).values
    assert values[metric] == {("other", "day", "all"): 5.0, ("gold", "day", "all"): 1.0}
    assert values[metrics.PERIOD_START] == {("day",): 86_400.0}
    totals.forget(1)
    totals.show(meters)
    assert meters.snapshot(ready=True).values[metric] == {("other", "day", "all"): 2.0}


def test_a_policy_of_too_many_series_is_refused_with_their_sum() -> None:
    for name in policies.shipped():
        assert not business.problem(policies.load(name))
    many = parse(f"segments = {[f's{number}' for number in range(31)]}".replace("'", '"'), "many")
    says = business.problem(many)
    assert f"{business.most_series(many):,} series" in says
    assert "5,000 are the most" in says
    few = '[figures]\nmetrics = ["period_customers"]\n'
    fewer = parse(f"segments = {[f's{number}' for number in range(12)]}\n{few}".replace("'", '"'), "fewer")
    assert not business.problem(fewer)
    assert business.most_series(fewer) < business.most_series(parse("", "default")) + 12 * 400


def test_no_more_is_shown_than_is_reckoned_with() -> None:
    policy = policies.load("complete-journey")
    events = [
        order(10_000 + day, 10, customer_id=f"c{day % 50}", segment=policy.segments[day % 7], id=f"o{day}")
        for day in range(200)
    ]
    partition = fed(policy, *events)
    series = sum(len(found) for metric, found in real_job(policy).scan(partition) if metric.name in business_names())
    assert 0 < series <= business.most_series(policy)


def business_names() -> set[str]:
    return {metric.name for metric in metrics.FIGURES.values()}


def test_every_family_is_filled() -> None:
    """What is declared is shown, with all its roles, once a quarter has closed."""
    policy = replace(POLICY, figures=replace(POLICY.figures, variants=("old", "new")))
    partition = fed(policy, *(order(day, 1) for day in (0.2, 40, 80, 130, 200)))
    found = {labels[0] for labels in shown(partition, policy)}
    assert found >= business_names()
