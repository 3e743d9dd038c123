"""Worked examples by hand: the recount is held to these before the core is held to the recount."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.recount import Recount, recount
from tests.recounting.days import day_of, end_of, last_day, ms, period_of

HOUR = 3_600_000
SHORT = {"active_days": 5, "history_start": "2017-01-01"}
# Four purchases a day apart. By DESIGN §5 with the default parameters: N = 2.71, m = Q = 0, k = 3.31, A = 4.355,
# B = 1.99644, loc = .19914, scale = .77261, p = .0012484; P(none in 28) is .2408 after 9 days and .3196 after 10.
DAILY = ["2017-02-01T12:00Z", "2017-02-02T12:00Z", "2017-02-03T12:00Z", "2017-02-04T12:00Z"]


def event(kind: str, time: str, customer: str = "a", **fields: Any) -> dict[str, Any]:
    event_id = fields.pop("id", f"{kind}/{customer}/{time}")
    return {"id": event_id, "type": kind, "customer_id": customer, "time": time, **fields}


def orders(*times: str, customer: str = "a") -> list[dict[str, Any]]:
    return [event("order_completed", time, customer, amount=1) for time in times]


def clock(time: str) -> dict[str, Any]:
    return {"type": "clock_advanced", "time": time}


def counts(found: Recount, kind: str, start: str, segment: str = "all") -> tuple[int, ...]:
    """start, end, acquired, acquired_lost, lost, reactivated."""
    return tuple(found.records[kind, start, segment]["counts"].values())


def said(found: Recount) -> list[tuple[str, str, str]]:
    return [(one["customer_id"], one["resolution"] or "opened", _text(one["event_time_ms"])) for one in found.alerts]


def _text(instant_ms: int) -> str:
    day = day_of(instant_ms, "UTC")
    minutes = (instant_ms - ms(f"{day}T00:00Z")) // 60_000
    return f"{day}T{minutes // 60:02}:{minutes % 60:02}Z"


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("UTC", "2017-03-12", 24),
        ("America/New_York", "2017-03-11", 24),
        ("America/New_York", "2017-03-12", 23),
        ("America/New_York", "2017-11-05", 25),
        ("Europe/Berlin", "2017-03-26", 23),
        ("Europe/Berlin", "2017-10-29", 25),
        ("Australia/Lord_Howe", "2017-10-01", 23.5),
        ("Australia/Lord_Howe", "2017-04-02", 24.5),
        ("America/Sao_Paulo", "2017-10-15", 23),  # begins at 01:00
        ("America/Sao_Paulo", "2018-02-17", 25),  # its last hour comes twice
        ("America/Havana", "2017-11-05", 25),  # its first hour comes twice
    ],
)
def test_length_of_business_days(zone: str, day: str, hours: float) -> None:
    that = date.fromisoformat(day)
    begin, end = end_of(date.fromordinal(that.toordinal() - 1), zone), end_of(that, zone)
    assert (end - begin) / HOUR == hours
    assert [day_of(begin - 1, zone), day_of(end, zone)] == [
        date.fromordinal(that.toordinal() - 1),
        date.fromordinal(that.toordinal() + 1),
    ]
    assert {day_of(instant, zone) for instant in range(begin, end, HOUR // 4)} == {that}


def test_periods() -> None:
    day = date(2017, 8, 31)  # a Thursday
    assert [period_of(kind, day).isoformat() for kind in ("day", "week", "month", "quarter")] == [
        "2017-08-31",
        "2017-08-28",
        "2017-08-01",
        "2017-07-01",
    ]
    assert last_day("month", date(2016, 2, 1)) == date(2016, 2, 29)
    assert last_day("quarter", date(2017, 10, 1)) == date(2017, 12, 31)
    assert last_day("week", date(2017, 12, 25)) == date(2017, 12, 31)


# ---------------------------------------------------------------- time


def test_too_late_is_before_c_as_it_stood_before_the_event() -> None:
    late, on_c = orders("2017-01-07T23:59:59.999Z", "2017-01-08T00:00Z")
    found = recount([*orders("2017-01-10T01:00Z"), late, on_c], SHORT)
    assert found.too_late == [1]


def test_duplicates_are_of_the_last_eight_accepted_of_one_source_and_customer() -> None:
    same = event("session", "2017-01-01T10:00Z", id="same")
    others = [event("session", "2017-01-01T10:00Z", id=f"{i}") for i in range(8)]
    assert recount([same, *others[:7], same], SHORT).duplicates == [8]
    assert recount([same, *others[:7], same, others[7], same], SHORT).duplicates == [8]  # a duplicate isn't kept again
    assert recount([same, *others, same], SHORT).duplicates == []
    assert recount([same, {**same, "source": "shop"}, {**same, "customer_id": "b"}], SHORT).duplicates == []


def test_a_duplicate_moves_the_clock() -> None:
    same = event("session", "2017-01-01T10:00Z", id="same")
    found = recount([same, {**same, "time": "2017-01-10T10:00Z"}, *orders("2017-01-02T10:00Z")], SHORT)
    assert (found.duplicates, found.too_late) == ([1], [2])


# ---------------------------------------------------------------- retention


def test_counts_of_days_weeks_and_months() -> None:
    """W = 5: a buys on the 2nd and the 9th, b on the 2nd only."""
    events = [*orders("2017-01-02T10:00Z"), *orders("2017-01-02T11:00Z", customer="b"), *orders("2017-01-09T10:00Z")]
    found = recount([*events, clock("2017-02-03T01:00Z")], SHORT)
    assert counts(found, "day", "2017-01-01") == (0, 0, 0, 0, 0, 0)
    assert counts(found, "day", "2017-01-02") == (0, 2, 2, 0, 0, 0)
    assert counts(found, "day", "2017-01-06") == (2, 2, 0, 0, 0, 0)
    assert counts(found, "day", "2017-01-07") == (2, 0, 0, 0, 2, 0)
    assert counts(found, "day", "2017-01-09") == (0, 1, 0, 0, 0, 1)
    assert counts(found, "day", "2017-01-14") == (1, 0, 0, 0, 1, 0)
    assert counts(found, "week", "2016-12-26") == (0, 0, 0, 0, 0, 0)
    assert counts(found, "week", "2017-01-02") == (0, 0, 2, 2, 0, 0)
    assert counts(found, "week", "2017-01-09") == (0, 0, 0, 0, 0, 0)  # came back on the 9th, gone from the 14th on
    assert counts(found, "month", "2017-01-01") == (0, 0, 2, 2, 0, 0)
    assert found.records["day", "2017-01-05", "all"]["warmup"]
    assert not found.records["day", "2017-01-06", "all"]["warmup"]
    assert found.records["day", "2017-01-31", "all"]["final"]
    assert not found.records["day", "2017-02-01", "all"]["final"]
    assert ("day", "2017-02-03", "all") not in found.records


def test_rates() -> None:
    """Ten customers at the start of the 7th; two came on the 3rd, of whom none is left at its end."""
    events = [one for name in "abcdefgh" for one in orders("2017-01-04T10:00Z", customer=name)]
    events = [*orders("2017-01-02T10:00Z", customer="x"), *orders("2017-01-02T10:00Z", customer="y"), *events]
    found = recount([*events, clock("2017-01-09T01:00Z")], SHORT).records["day", "2017-01-07", "all"]
    assert [found[rate] for rate in ("crr", "crr_strict", "churn", "churn_net")] == [0.8, 0.8, 0.2, 0.2]


def test_a_late_purchase_counts_on_its_own_day() -> None:
    found = recount([*orders("2017-01-10T01:00Z", "2017-01-08T10:00Z"), clock("2017-01-20T00:00Z")], SHORT)
    assert counts(found, "day", "2017-01-08") == (0, 1, 1, 0, 0, 0)
    assert counts(found, "day", "2017-01-12") == (1, 1, 0, 0, 0, 0)
    assert counts(found, "day", "2017-01-15") == (1, 0, 0, 0, 1, 0)


def test_an_hour_that_belongs_to_another_day_in_the_zone() -> None:
    """2017-03-12 in New York begins at 05:00Z and ends, an hour early, at 04:00Z."""
    policy = {**SHORT, "zone": "America/New_York"}
    times = {"a": "2017-03-13T03:59:59.999Z", "b": "2017-03-13T04:00Z", "c": "2017-03-12T04:59:59.999Z"}
    events = [one for name, time in times.items() for one in orders(time, customer=name)]
    found = recount([*events, clock("2017-03-20T00:00Z")], policy)
    acquired = {day: counts(found, "day", f"2017-03-{day}")[2] for day in (11, 12, 13)}
    assert acquired == {11: 1, 12: 1, 13: 1}
    open_still = recount([*events, clock("2017-03-13T04:59:59.999Z")], policy)
    assert ("day", "2017-03-12", "all") not in open_still.records
    assert ("day", "2017-03-12", "all") in recount([*events, clock("2017-03-13T05:00Z")], policy).records


def test_history_starts_with_the_earliest_event() -> None:
    policy = {"active_days": 5}
    found = recount([*orders("2017-01-11T10:00Z", "2017-01-10T10:00Z"), clock("2017-01-30T00:00Z")], policy)
    days = sorted(start for kind, start, _ in found.records if kind == "day")
    assert days[0] == "2017-01-10"
    assert min(start for kind, start, _ in found.records if kind == "week") == "2017-01-09"
    assert found.records["day", "2017-01-14", "all"]["warmup"]
    assert not found.records["day", "2017-01-15", "all"]["warmup"]


def test_subscriptions() -> None:
    """Paid to the 10th and cancelled on the 5th; another never renews after the 7th; a third is given up at once."""
    start = "subscription_started"
    events = [
        event(start, "2017-01-03T10:00Z", "a", subscription_id="1"),
        event(start, "2017-01-03T10:00Z", "b", subscription_id="1", auto_renew=False, period_end="2017-01-07T00:00Z"),
        event(start, "2017-01-03T10:00Z", "c", subscription_id="1", auto_renew=True, period_end="2017-01-07T00:00Z"),
        event(start, "2017-01-04T10:00Z", "d", subscription_id="1"),
        event("subscription_cancelled", "2017-01-04T11:00Z", "d", subscription_id="1", period_end="2017-01-02T00:00Z"),
        event("subscription_cancelled", "2017-01-05T10:00Z", "a", subscription_id="1", period_end="2017-01-10T09:00Z"),
    ]
    found = recount([*events, clock("2017-01-20T00:00Z")], SHORT)
    assert counts(found, "day", "2017-01-03") == (0, 3, 3, 0, 0, 0)
    assert counts(found, "day", "2017-01-04") == (3, 3, 1, 1, 0, 0)
    assert counts(found, "day", "2017-01-06") == (3, 3, 0, 0, 0, 0)  # b lives to the very beginning of the 7th
    assert counts(found, "day", "2017-01-07") == (3, 2, 0, 0, 1, 0)
    assert counts(found, "day", "2017-01-09") == (2, 2, 0, 0, 0, 0)
    assert counts(found, "day", "2017-01-10") == (2, 1, 0, 0, 1, 0)
    assert counts(found, "day", "2017-01-17") == (1, 1, 0, 0, 0, 0)


def test_the_segment_of_a_period_is_that_of_its_eve() -> None:
    policy = {**SHORT, "segments": ["young", "old"], "segment_active_days": {"old": 3}}
    events = [
        event("order_completed", "2017-01-02T10:00Z", amount=1, segment="young"),
        event("profile_updated", "2017-01-03T23:59:59.900Z", segment="old"),
        event("profile_updated", "2017-01-05T00:00:00.100Z", segment="unheard of"),
    ]
    found = recount([*events, clock("2017-01-20T00:00Z")], policy)
    assert counts(found, "day", "2017-01-02", "young") == (0, 1, 1, 0, 0, 0)  # first seen later: it is taken back
    assert counts(found, "day", "2017-01-03", "young") == (1, 1, 0, 0, 0, 0)
    assert counts(found, "day", "2017-01-04", "old") == (1, 1, 0, 0, 0, 0)
    assert counts(found, "day", "2017-01-05", "old") == (1, 0, 0, 0, 1, 0)  # W = 3: (2nd, 5th]
    assert counts(found, "day", "2017-01-06", "other") == (1, 1, 0, 0, 0, 0)  # W = 5: (1st, 6th]
    assert counts(found, "day", "2017-01-07", "other") == (1, 0, 0, 0, 1, 0)


def test_a_segment_first_seen_after_a_period_is_final_comes_too_late_for_it() -> None:
    policy = {**SHORT, "segments": ["young"]}
    events = [*orders("2017-01-02T10:00Z"), event("profile_updated", "2017-01-05T01:00Z", segment="young")]
    found = recount([*events, clock("2017-01-20T00:00Z")], policy)
    assert counts(found, "day", "2017-01-02", "other") == (0, 1, 1, 0, 0, 0)
    assert counts(found, "day", "2017-01-03", "young") == (1, 1, 0, 0, 0, 0)


# ---------------------------------------------------------------- the sign `silent`


def test_an_alert_opens_ten_days_after_four_daily_purchases_and_churns_after_28() -> None:
    found = recount([*orders(*DAILY), clock("2017-02-14T13:00Z")], {})
    assert said(found) == [("a", "opened", "2017-02-14T12:00Z")]
    assert found.alerts[0]["episode_day"] == "2017-02-04"
    assert said(recount([*orders(*DAILY), clock("2017-02-14T12:59:59.999Z")], {})) == []
    assert said(recount([*orders(*DAILY[:3]), clock("2018-02-14T13:00Z")], {})) == []
    found = recount([*orders(*DAILY), clock("2018-02-14T13:00Z")], {})
    assert said(found) == [("a", "opened", "2017-02-14T12:00Z"), ("a", "churned", "2017-03-14T12:00Z")]
    assert [one["n"] for one in found.alerts] == [1, 2]


def test_a_purchase_resolves() -> None:
    opening = "2017-02-14T12:00Z"
    moved = [*orders(*DAILY), clock("2017-02-14T15:00Z")]
    for time, resolution in [
        ("2017-02-14T12:01Z", "returned"),
        (opening, "retracted"),
        ("2017-02-13T09:00Z", "retracted"),
    ]:
        found = recount([*moved, *orders(time)], {})
        assert said(found) == [("a", "opened", opening), ("a", resolution, time)]
    same_day = recount([*orders(*DAILY), *orders("2017-02-04T13:00Z"), clock("2017-02-14T13:59Z")], {})
    assert said(same_day) == []  # its instant is the later one


def test_the_order_of_alerts_is_by_due_instant_then_customer() -> None:
    events = [one for name in "cab" for one in orders(*DAILY, customer=name)]
    events += orders(*(time.replace("T12", "T11") for time in DAILY), customer="d")
    found = recount([*events, clock("2018-01-01T00:00Z")], {"allowed_lateness_days": 30})
    assert [name for name, status, _ in said(found) if status == "opened"] == ["d", "a", "b", "c"]
    assert [name for name, status, _ in said(found) if status == "churned"] == ["d", "a", "b", "c"]


def test_no_alert_without_consent() -> None:
    refused = event("consent_changed", "2017-02-05T00:00Z", consent_tracking=False)
    late = event("consent_changed", "2017-02-04T23:00Z", consent_tracking=True)
    assert said(recount([*orders(*DAILY), refused, late, clock("2018-01-01T00:00Z")], {})) == []
    given = event("consent_changed", "2017-02-15T00:00Z", consent_tracking=True)
    found = recount([*orders(*DAILY), refused, clock("2017-02-14T14:00Z"), given, clock("2018-01-01T00:00Z")], {})
    assert said(found) == []  # nothing until the next purchase


def test_gaps_are_business_days() -> None:
    """Two purchases 50 minutes apart, over midnight in New York, are two days; in UTC they are one."""
    times = ["2017-02-01T12:00Z", "2017-02-02T12:00Z", "2017-02-04T04:30Z", "2017-02-04T05:20Z"]
    end = clock("2018-01-01T00:00Z")
    assert said(recount([*orders(*times), end], {"zone": "America/New_York"}))
    assert not said(recount([*orders(*times), end], {"zone": "UTC"}))


def test_scores() -> None:
    found = recount([*orders(*DAILY), clock("2018-01-01T00:00Z")], {})
    silent, p_none, p_alive = found.scores(date(2017, 2, 14))["a"]
    assert silent == 10
    assert p_none == pytest.approx(0.3196, abs=5e-4)
    assert p_alive == pytest.approx(0.00267 / (0.00267 + 0.001248), abs=2e-3)
    assert found.scores(date(2017, 1, 31)) == {}


# ---------------------------------------------------------------- partitions


def test_partitions_add_up() -> None:
    events = [*orders("2017-01-02T10:00Z"), *orders("2017-01-02T11:00Z", customer="b"), *orders("2017-01-09T10:00Z")]
    events.append(clock("2017-02-03T01:00Z"))
    one, two = recount(events, SHORT), recount(events, SHORT, 2, "ab".index)
    assert one.records == two.records
