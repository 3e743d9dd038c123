"""Calendar years held against the recount: what they begin with lies further back than a row remembers (R9)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapter import run
from tests.properties.strategies import DAY_MS, clock, midnight_ms
from tests.properties.test_recount import differences
from tests.recount import recount

if TYPE_CHECKING:
    from tests.adapter import Outcome

ZONE = "America/New_York"
FIRST = date(2016, 11, 1)
DAYS = 800
# days of FIRST that matter: around both turns of the year, and long after the first one's days are forgotten
PLACES = st.one_of(st.integers(55, 68), st.integers(420, 433), st.integers(0, DAYS))
POLICY: dict[str, Any] = {
    "zone": ZONE, "segments": ["young"], "active_days": 14, "segment_active_days": {"young": 60},
    "qualifying": ["order_completed"], "allowed_lateness_days": 2, "alert_grace_minutes": 60,
    "signs": {"silent": {"min_purchase_days": 4}},
}  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Few events of few customers over more than two years, some of them a day or two late."""
    sent = []
    for name in "abc"[: draw(st.integers(1, 3))]:
        for number, place in enumerate(draw(st.lists(PLACES, min_size=1, max_size=8))):
            at_ms = midnight_ms(FIRST, ZONE) + place * DAY_MS + draw(st.sampled_from([0, DAY_MS // 2]))
            kind = draw(st.sampled_from(["order_completed"] * 4 + ["subscription_started", "subscription_cancelled"]))
            event = {"id": f"{name}{number}", "customer_id": name, "time": at_ms, "type": kind}
            event |= {"amount": 10} if kind == "order_completed" else {"subscription_id": draw(st.sampled_from("12"))}
            if draw(st.integers(0, 3)) == 0:
                event["segment"] = draw(st.sampled_from(["young", "old"]))
            if draw(st.integers(0, 30)) == 0:
                event = {"id": event["id"], "customer_id": name, "time": at_ms, "type": "customer_erased"}
            sent.append((at_ms + draw(st.sampled_from([0, 0, DAY_MS, 2 * DAY_MS])), event))
    sent.sort(key=lambda one: one[0])
    return [*(event for _, event in sent), clock(midnight_ms(FIRST, ZONE) + DAYS * DAY_MS)]


def years(outcome: Any) -> dict[Any, Any]:
    return {key: record for key, record in outcome.records.items() if key[0] == "year"}


@pytest.mark.slow
@settings(max_examples=40)
@given(histories(), st.booleans(), st.data())
def test_years_equal_the_recount(events: list[dict[str, Any]], given_start: bool, data: st.DataObject) -> None:  # noqa: FBT001
    policy = POLICY | ({"history_start": data.draw(st.sampled_from([date(2017, 1, 1), date(2016, 11, 20)]))}
                       if given_start else {})  # fmt: skip
    restarts = data.draw(st.sets(st.integers(1, len(events)), max_size=4))
    found, expected = years(run(events, policy, restarts=restarts)), years(recount(events, policy))
    assert expected
    assert not differences(found, expected)


def order(name: str, day: date) -> dict[str, Any]:
    at_ms = midnight_ms(day, ZONE) + DAY_MS // 2
    return {"id": f"{name}{day}", "customer_id": name, "time": at_ms, "type": "order_completed", "amount": 10}


def test_a_year_by_hand() -> None:
    """Seven customers of 2017: two who stay, one lost, one who comes and goes, one who is back, two of other years."""
    told = {
        "stays": [date(2016, 12, 28), date(2017, 7, 1), date(2017, 12, 30)],
        "stays and pauses": [date(2016, 12, 20), date(2017, 12, 20)],
        "lost": [date(2016, 12, 31), date(2017, 1, 2)],
        "comes and goes": [date(2017, 5, 1)],
        "comes": [date(2017, 12, 31)],
        "is back": [date(2016, 11, 3), date(2017, 12, 24)],
        "was gone": [date(2016, 11, 2)],
    }
    orders = sorted((order(name, day) for name, days in told.items() for day in days), key=lambda one: one["time"])
    outcome: Outcome = run([*orders, clock(midnight_ms(date(2018, 3, 1), ZONE))], POLICY)
    counts = outcome.records["year", "2017-01-01", "all"]["counts"]
    assert counts == {"start": 3, "end": 4, "acquired": 2, "acquired_lost": 1, "lost": 1, "reactivated": 1}
    assert outcome.records["year", "2017-01-01", "all"]["crr_strict"] == pytest.approx(2 / 3)
    assert outcome.records["year", "2017-01-01", "all"]["figures"]["order_revenue"] == 7 * 1000


def test_who_comes_late_is_settled_too() -> None:
    """The first event of all is one of 2 January; a late one says that somebody was a customer on New Year's Eve."""
    orders = [order("a", date(2017, 1, 2)), order("late", date(2016, 12, 31))]
    outcome = run([*orders, clock(midnight_ms(date(2018, 3, 1), ZONE))], POLICY)
    assert outcome.records["year", "2017-01-01", "all"]["counts"]["start"] == 1
