"""The day on which a silence fires, against trying every day; and that the model says what its inputs say."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core import silence
from stream.core.policy import Policy
from stream.core.rules import rules_of
from stream.core.silence import MAX_SILENCE_DAYS, NEVER_DAYS, SilenceParams

DEFAULT = Policy("test")


def params(**changes: Any) -> SilenceParams:
    return rules_of(replace(DEFAULT, silent=replace(DEFAULT.silent, **changes))).silence


def first_day_by_trying(
    mean: float, square: float, weight: float, n: int, spend: float, odds: float, p: SilenceParams
) -> int:
    """Clause A3 to the letter."""
    if n < p.min_purchase_days:
        return NEVER_DAYS
    loc, scale = silence.predictive(mean, square, weight, p)
    left = silence.drop_out(n, spend, p)
    for s in range(1, MAX_SILENCE_DAYS + 1):
        overdue = 1 - silence.survival(s, loc, scale) >= p.overdue
        if overdue and silence.p_none(s, p.horizon_days, loc, scale, left, odds) >= p.theta:
            return s
    return NEVER_DAYS


@given(
    gaps=st.lists(st.integers(1, 90), min_size=3, max_size=40),
    theta=st.floats(0.05, 0.9),
    overdue=st.floats(0.5, 0.99),
    horizon=st.integers(1, 120),
    spend=st.floats(0, 10_000),
    odds=st.floats(0.01, 100),
)
def test_the_bisected_day_is_the_first_one(
    gaps: list[int], theta: float, overdue: float, horizon: int, spend: float, odds: float
) -> None:
    p = params(theta=theta, overdue=overdue, horizon_days=horizon, usual_spend=900, spend_power=1.1)
    mean = square = weight = 0.0
    for gap in gaps:
        mean, square, weight = silence.add_gap(float(gap), mean, square, weight, p.memory)
    n = len(gaps) + 1
    statistics = mean, square, weight, n, spend, odds, p
    assert silence.fires_after_days(*statistics) == first_day_by_trying(*statistics)


@given(gaps=st.lists(st.integers(1, 300), min_size=1, max_size=30))
def test_without_fading_the_statistics_are_the_plain_ones(gaps: list[int]) -> None:
    mean = square = weight = 0.0
    for gap in gaps:
        mean, square, weight = silence.add_gap(float(gap), mean, square, weight, 1.0)
    logs = [math.log(gap) for gap in gaps]
    plain = sum(logs) / len(logs)
    assert weight == pytest.approx(len(gaps))
    assert mean == pytest.approx(plain, abs=1e-9)
    assert square == pytest.approx(sum((y - plain) ** 2 for y in logs), abs=1e-6)


@given(loc=st.floats(0, 5), scale=st.floats(0.2, 2), p=st.floats(0.001, 0.5), s=st.integers(0, 400))
def test_chances_are_chances_and_move_the_right_way(loc: float, scale: float, p: float, s: int) -> None:
    none_soon = silence.p_none(s, 7, loc, scale, p, 1.0)
    none_long = silence.p_none(s, 28, loc, scale, p, 1.0)
    assert 0 <= none_long <= none_soon <= 1
    assert silence.p_none(s, 28, loc, scale, p, 0.5) <= none_long <= silence.p_none(s, 28, loc, scale, p, 2.0) <= 1
    assert 0 <= silence.p_alive(s + 1, loc, scale, p) <= silence.p_alive(s, loc, scale, p) <= 1


def test_a_silence_beyond_all_reckoning_is_certain_not_an_error() -> None:
    assert silence.p_none(100_000, 28, 0.0, 0.01, 0.0, 0.5) == 1.0
    assert silence.p_alive(100_000, 0.0, 0.01, 0.0) == 0.0


@given(gap=st.integers(2, 20))
def test_who_keeps_a_rhythm_is_overdue_sooner_than_who_does_not(gap: int) -> None:
    p = params()
    steady, unsteady = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    for i in range(20):
        steady = silence.add_gap(float(gap), *steady, p.memory)
        unsteady = silence.add_gap(float(1 if i % 2 else gap * gap), *unsteady, p.memory)  # the same mean logarithm
    overdue = [silence.first_overdue_day(*silence.predictive(*one, p), p.overdue) for one in (steady, unsteady)]
    assert gap < overdue[0] < overdue[1]
