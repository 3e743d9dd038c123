"""The rates of retention, held against sets of customers: R5 says what the counts are, the rates follow."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core import rates

customers = st.sets(st.integers(0, 40))
money = st.integers(0, 10**12)


@given(customers, customers, customers)
def test_the_bridge_from_crr_to_strict(start: set[int], end: set[int], acquired: set[int]) -> None:
    """R5 — end = start − lost + reactivated + acquired − acquired_lost (when N∩S is empty)."""
    acquired -= start
    lost, acquired_lost, reactivated = len(start - end), len(acquired - end), len(end - start - acquired)
    assert len(end) == len(start) - lost + reactivated + len(acquired) - acquired_lost
    crr = rates.crr(len(start), len(end), len(acquired))
    strict = rates.crr_strict(len(start), lost)
    bridge = rates.crr_bridge(len(start), reactivated, acquired_lost)
    churn = rates.churn(len(start), lost)
    if not start:
        assert crr is strict is bridge is churn is None
        return
    assert crr is not None
    assert strict is not None
    assert bridge is not None
    assert churn is not None
    assert crr - strict == pytest.approx(bridge, abs=1e-12)
    assert strict == len(start & end) / len(start)
    assert churn == pytest.approx(1 - strict, abs=1e-12)


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_net_churn_is_crr_without_newcomers(start: int, end: int) -> None:
    net, crr = rates.churn_net(start, end), rates.crr(start, end, 0)
    assert net is not None
    assert crr is not None
    assert net == pytest.approx(1 - crr, abs=1e-6)


@given(st.lists(st.integers(0, 10)))
def test_nps_counts_passives_in_the_denominator(scores: list[int]) -> None:
    groups = [rates.nps_group(score) for score in scores]
    nps = rates.nps(groups.count("promoter"), groups.count("passive"), groups.count("detractor"))
    if not scores:
        assert nps is None
        return
    promoters, detractors = sum(score >= 9 for score in scores), sum(score <= 6 for score in scores)
    assert nps == pytest.approx(100 * promoters / len(scores) - 100 * detractors / len(scores))
    assert nps is not None
    assert -100 <= nps <= 100


@given(money, money, money, money)
def test_revenue_retention(start: int, expansion: int, contraction: int, churned: int) -> None:
    grr = rates.grr(start, contraction, churned)
    nrr = rates.nrr(start, expansion, contraction, churned)
    lost = rates.churn_revenue(start, contraction, churned)
    if start == 0:
        assert grr is nrr is lost is None
        return
    assert grr is not None
    assert nrr is not None
    assert lost is not None
    assert grr <= 1
    assert grr <= nrr
    assert lost == pytest.approx(1 - grr, rel=1e-9, abs=1e-9)


@given(st.integers(1, 10**6), money, st.integers(1, 10**6), st.floats(0.1, 20), st.floats(0, 1))
def test_clv_is_revenue_a_year_times_years(orders: int, revenue: int, days: int, years: float, margin: float) -> None:
    clv = rates.clv_revenue(orders, revenue, days, years)
    a_year = rates.per_customer_year(revenue, days)
    assert clv is not None
    assert a_year is not None
    assert clv == pytest.approx(a_year * years)
    assert rates.clv_margin(clv, margin) == clv * margin


def test_no_base_no_rate() -> None:
    nothing = [
        rates.share(1, 0),
        rates.crr(0, 1, 1),
        rates.crr_strict(0, 0),
        rates.crr_bridge(0, 1, 1),
        rates.churn(0, 0),
        rates.churn_net(0, 5),
        rates.quick_ratio(5, 0),
        rates.stickiness(0, 0),
        rates.grr(0, 0, 0),
        rates.nrr(0, 1, 0, 0),
        rates.nrr_orders(1, 0),
        rates.churn_revenue(0, 0, 0),
        rates.nps(0, 0, 0),
        rates.clv_revenue(0, 0, 10, 1),
        rates.clv_revenue(1, 10, 0, 1),
        rates.clv_margin(None, 0.5),
        rates.per_customer(1, 0),
        rates.per_customer_year(1, 0),
        rates.cac(1, 0),
        rates.cac_ratio(None, 1),
        rates.cac_ratio(1, None),
        rates.cac_ratio(1, 0),
        rates.cac_to_keep(1, 0),
        rates.cac_to_keep(None, 1),
    ]
    assert nothing == [None] * len(nothing)
    assert not math.isnan(rates.share(0, 1) or 0)
