"""An outage is not silence: the core held against the recount where a live input stops (T8–T10)."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapter import run
from tests.properties.strategies import DAY_MS, MINUTE_MS, Case, clock, midnight_ms
from tests.properties.test_recount import same, same_as_recount
from tests.recount import recount

HOUR_MS = 60 * MINUTE_MS
FIRST = {"UTC": date(2017, 6, 5), "America/New_York": date(2017, 2, 13), "Europe/Berlin": date(2017, 10, 2)}  # Mondays
NEAR_MS = 5 * MINUTE_MS
SILENT = {"horizon_days": 7, "theta": 0.2, "overdue": 0.5, "min_purchase_days": 2}


def crowd(zone: str, weeks: int, hours: list[int], every_s: int) -> list[dict[str, Any]]:
    """A bystander who is there at some hours of each day: what is usual."""
    first = FIRST[zone].toordinal()
    return [
        {"id": f"x{day}.{hour}.{s}", "customer_id": "crowd", "type": "content_viewed",
         "time": midnight_ms(date.fromordinal(first + day), zone) + hour * HOUR_MS + s * 1000}
        for day in range(0, weeks * 7, 7)
        for hour in hours
        for s in range(7, 3600, every_s)
    ]  # fmt: skip


@st.composite
def stopping(draw: st.DrawFn) -> Case:
    """A live input with up to three holes in it, of minutes to days; at some of them a source says that all is well."""
    zone = draw(st.sampled_from(sorted(FIRST)))
    weeks = draw(st.integers(4, 7))
    events = crowd(zone, weeks, draw(st.sampled_from([[9], [9, 10], [2, 3], [23]])), draw(st.sampled_from([45, 60])))
    begin = midnight_ms(FIRST[zone], zone)
    for name in "abc":
        at_ms = begin + draw(st.integers(0, 6)) * DAY_MS + draw(st.integers(0, 23)) * HOUR_MS
        for n in range(draw(st.integers(2, 12))):
            events.append(
                {"id": f"{name}{n}", "customer_id": name, "type": "order_completed", "amount": 10, "time": at_ms}
            )
            at_ms += draw(st.sampled_from([1, 2, 3, 3, 3, 4, 14])) * DAY_MS
    for event in draw(st.lists(st.sampled_from(events), max_size=3)):  # not live: it came later than it happened
        event["after_ms"] = draw(st.sampled_from([NEAR_MS, NEAR_MS + 1, DAY_MS]))
    events.sort(key=lambda event: int(event["time"]))
    for _ in range(draw(st.integers(1, 3))):
        lost_ms = int(draw(st.sampled_from(events[len(events) // 3 :]))["time"])
        until_ms = lost_ms + draw(st.sampled_from([10, 16, 50, 300, 3_000, 15_000])) * MINUTE_MS
        events = [event for event in events if not lost_ms < event["time"] < until_ms]
        if draw(st.integers(0, 3)) == 0:
            events.append(clock(until_ms - 1))
    events.append(clock(begin + (weeks * 7 + 30) * DAY_MS))
    events.sort(key=lambda event: int(event["time"]))
    policy = {"zone": zone, "alert_grace_minutes": draw(st.sampled_from([0, 10, 60])), "signs": {"silent": SILENT}}
    return Case(policy, events)


def live(event: Any) -> bool:
    return int(event.get("after_ms", 0)) <= NEAR_MS


@settings(max_examples=25)
@given(stopping(), st.data())
def test_core_equals_recount_where_the_input_stops(case: Case, data: st.DataObject) -> None:
    """T8–T10, whatever the batches and restarts."""
    expected = recount(case.events, case.policy, live=live)
    whole = run(case.events, case.policy, stamped=True)
    same_as_recount(whole, expected)
    restarts = data.draw(st.sets(st.integers(1, len(case.events)), max_size=3))
    cuts = data.draw(st.sets(st.integers(1, len(case.events)), max_size=20))
    same(run(case.events, case.policy, stamped=True, restarts=restarts, cuts=cuts), whole)
