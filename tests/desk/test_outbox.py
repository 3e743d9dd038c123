"""What goes when: quiet hours, digests, storms; and that what is remembered of it survives a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from stream.core.policy import Policy
from stream.desk.messages import GroupEvent, Sealed, seal
from stream.desk.model import Desk, Story
from stream.desk.outbox import GATHER_MS, Entry, Outbox, Plan, Waiting
from stream.desk.routes import Quiet, Route
from stream.desk.state import State, entry_record, sealed_record, story_record
from stream.wire.encode import AlertEvent
from tests.desk.making import alert

MINUTE, HOUR = 60_000, 3_600_000
NIGHT = Quiet(time(20), time(8), "Europe/Berlin")
MINE = frozenset({0})


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000)


def waiting(event: AlertEvent, since_ms: int, partition: int = 0) -> Waiting:
    raw = msgspec.Raw(msgspec.json.encode(event))
    return Waiting(Entry(event=raw, since_ms=since_ms, partition=partition), event)


def outbox(route: Route, *events: AlertEvent, since_ms: int) -> Outbox:
    box = Outbox(route)
    for event in events:
        box.add(event.id, waiting(event, since_ms))
    return box


def told(box: Outbox, plan: Plan, now_ms: int) -> Any:
    """The message of a plan's group."""
    assert plan.group is not None
    members = {one: box.entries[one] for one in plan.group.members}
    _, sealed = seal(box.route.name, plan.group.why, members, now_ms)
    return msgspec.json.decode(sealed.body, type=GroupEvent).data


def test_alerts_go_one_by_one_after_a_moment_and_those_of_one_customer_in_order() -> None:
    events = [alert(1), alert(1, 2, "escalated"), alert(2)]
    box = outbox(Route(name="a"), *events, since_ms=1000)
    early = box.plan(1500, (), MINE)
    assert early.singles == ()
    assert early.look_ms == 1000 + GATHER_MS
    assert box.plan(1000 + GATHER_MS, (), MINE).singles == (events[0].id, events[2].id)
    assert box.plan(9000, {events[0].id, events[2].id}, MINE).singles == (), "the next waits for the one before"
    box.remove([events[0].id])
    assert box.plan(9000, (), MINE).singles == (events[1].id, events[2].id)


def test_only_what_comes_from_the_desks_own_partitions_is_sent() -> None:
    box = Outbox(Route(name="a"))
    box.add("x:1", waiting(alert(1), 0, partition=3))
    assert box.plan(9000, (), MINE).singles == ()
    assert box.plan(9000, (), frozenset({3})).singles == ("x:1",)


def test_the_night_is_quiet_and_the_morning_says_what_fired_and_what_cleared() -> None:
    route = Route(name="a", quiet=NIGHT)
    events = [
        alert(1), alert(2), alert(3), alert(2, 2, "resolved", resolution="returned"),
        alert(9, 2, "resolved", resolution="churned"), alert(8, 2, "escalated"),
    ]  # fmt: skip
    evening, morning = at("2024-03-30T23:00"), at("2024-03-31T08:00")
    box = outbox(route, *events, since_ms=evening)
    night = box.plan(at("2024-03-31T07:59:59"), (), MINE)
    assert (night.singles, night.group) == ((), None)
    assert night.look_ms == morning, "the night in which summer time begins is shorter"
    assert dict(night.waiting)["quiet"] == 6
    plan = box.plan(morning, (), MINE)
    data = told(box, plan, morning)
    assert (data.why, data.fired, data.escalated, data.cleared, data.fired_and_cleared) == ("quiet", 2, 1, 1, 1)
    assert data.says == "While it was quiet: 2 opened, 1 became graver, 1 ended, 1 opened and ended again."
    assert {one.customer_id for one in data.top} == {"1", "3", "8"}


def test_what_is_grave_enough_goes_through_at_night() -> None:
    route = Route(name="a", quiet=replace(NIGHT, through="critical"))
    grave = alert(1, severity="critical")
    box = outbox(route, grave, alert(2), alert(3), since_ms=at("2024-07-01T23:00"))
    assert box.plan(at("2024-07-01T23:01"), (), MINE).singles == (grave.id,)
    box.remove([grave.id])
    plan = box.plan(at("2024-07-02T08:00"), (), MINE)
    assert plan.group is not None
    assert len(plan.group.members) == 2


def test_one_alert_of_the_night_comes_as_itself() -> None:
    box = outbox(Route(name="a", quiet=NIGHT), alert(1), since_ms=at("2024-07-01T23:00"))
    assert box.plan(at("2024-07-02T08:00"), (), MINE).singles == (alert(1).id,)


def test_a_digest_comes_at_its_time() -> None:
    box = outbox(Route(name="a", digest_minutes=60), alert(1), alert(2), since_ms=10 * HOUR + 5 * MINUTE)
    wait = box.plan(10 * HOUR + 59 * MINUTE, (), MINE)
    assert wait.group is None
    assert wait.look_ms == 11 * HOUR
    box.add("late:1", waiting(alert(3), 11 * HOUR + 1))
    plan = box.plan(11 * HOUR + 2, (), MINE)
    assert plan.group is not None
    assert plan.group.why == "digest"
    assert plan.group.members == (alert(1).id, alert(2).id), "the third belongs to the next one"


def test_a_storm_of_5000_is_one_message() -> None:
    route = Route(name="a", budget_per_hour=100)
    events = [
        alert(n, segment="gold" if n % 5 else "other", value_at_risk={"amount": float(n), "currency": "USD"})
        for n in range(5000)
    ]
    box = outbox(route, *events, since_ms=0)
    plan = box.plan(GATHER_MS, (), MINE)
    assert plan.singles == ()
    data = told(box, plan, GATHER_MS)
    assert (data.why, data.fired, data.by_segment) == ("storm", 5000, {"gold": 4000, "other": 1000})
    assert data.by_sign == {"silent": 5000}
    assert [one.value_at_risk.amount for one in data.top] == [4999.0 - n for n in range(10)]
    assert "5,000 opened" in data.says
    assert len(data.alert_ids) == 500


def test_a_storm_that_goes_on_is_told_of_every_ten_minutes_and_ends_by_itself() -> None:
    box = outbox(Route(name="a", budget_per_hour=10), *(alert(n) for n in range(20)), since_ms=0)
    first = box.plan(2000, (), MINE)
    assert first.group is not None
    box.grouped(first.group, 2000)
    box.remove(first.group.members)
    for n in range(8):
        box.add(f"{n}:9", waiting(alert(100 + n), 3000))
        box.started(3000)
    box.add("a:1", waiting(alert(200), 4000))
    box.add("b:1", waiting(alert(201), 4000))
    box.add("c:1", waiting(alert(202), 4000))
    box.remove([f"{n}:9" for n in range(8)])
    held = box.plan(10_000, (), MINE)
    assert (held.group, held.singles) == (None, ())
    assert held.look_ms == 2000 + 10 * MINUTE
    assert dict(held.waiting)["storm"] == 3
    assert box.plan(2000 + 10 * MINUTE, (), MINE).group is not None
    assert len(box.plan(3001 + HOUR, (), MINE).singles) == 3, "an hour later the budget is whole again"


def test_no_budget_no_storm() -> None:
    box = outbox(Route(name="a", budget_per_hour=0), *(alert(n) for n in range(500)), since_ms=0)
    assert len(box.plan(2000, (), MINE).singles) == 500


# ---------------------------------------------------------------- what survives


def state(records: list[tuple[bytes, bytes | None]]) -> State:
    """A desk that begins with this log."""
    found = State(Desk(Policy("default")), [Route(name="a", quiet=NIGHT)], lambda _: None)
    for key, value in records:
        found.take(key, value, 0)
    return found


def log_of(*events: AlertEvent, since_ms: int) -> list[tuple[bytes, bytes | None]]:
    entries = [entry_record("a", event.id, waiting(event, since_ms).entry) for event in events]
    stories = [story_record(event.data.alert_id, Story(life=(event,), seen_ms=(since_ms,))) for event in events]
    return [*entries, *stories]


def test_held_alerts_and_open_ones_are_known_after_any_restart() -> None:
    night = at("2024-07-01T23:00")
    found = state(log_of(alert(1), alert(2), since_ms=night))
    assert {one.data.customer_id for one in found.desk.open_alerts()} == {"1", "2"}
    box = found.outboxes["a"]
    assert box.plan(night + HOUR, (), MINE).group is None
    morning = box.plan(at("2024-07-02T08:00"), (), MINE)
    assert morning.group is not None
    assert set(morning.group.members) == {alert(1).id, alert(2).id}


def test_a_group_on_its_way_never_changes_and_its_members_go_with_it() -> None:
    """Killed anywhere between the group's record and its end: the same message again, and nobody twice."""
    records = log_of(alert(1), alert(2), since_ms=at("2024-07-01T23:00"))
    box = state(records).outboxes["a"]
    one, sealed = seal("a", "quiet", dict(box.entries), at("2024-07-02T08:00"))
    records.append(sealed_record("a", one, sealed))
    found = state(records)
    assert not found.outboxes["a"].entries
    assert found.sealed["a"] == {one: sealed}
    ends = [entry_record("a", member, None) for member in sealed.members]
    for end in ends:
        records.append(end)
        assert state(records).sealed["a"] == {one: sealed}
    records.append(sealed_record("a", one, None))
    assert not state(records).sealed["a"]
    assert not state(records).outboxes["a"].entries


def test_what_another_version_wrote_is_passed_over() -> None:
    found = state([(b"alert:x", b'{"life":[{"unknown":1}]}'), (b"send:a:x:1", b"[]"), *log_of(alert(1), since_ms=0)])
    assert len(found.desk.open_alerts()) == 1


def test_what_waits_for_a_route_that_is_no_more_is_seen() -> None:
    found = state([entry_record("gone", "x:1", waiting(alert(1), 0).entry)])
    assert found.strays == {b"send:gone:x:1"}


def test_a_sealed_message_fits_a_record() -> None:
    members = {f"{n:032x}:1": waiting(alert(n), 0) for n in range(10_000)}
    _, sealed = seal("a", "storm", members, 0)
    assert len(msgspec.json.encode(sealed)) < 900_000
    assert msgspec.json.decode(msgspec.json.encode(sealed), type=Sealed) == sealed
