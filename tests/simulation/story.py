"""The input of a seed: what happens to customers, when each record comes, and where the input fails.

Owns: three kinds of story. A *replay*: events of long ago in any order, late, twice, or no events at all. *Live*:
records come as their events happen, the input of all or of one partition stops now and then for minutes to days, and
what was kept back comes later or never (of one partition: never). *Calm*: events for which the order of arrival is
documented to change nothing.
"""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import dataclass
from typing import Any

from stream.core.policy import Policy, parse

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
STARTS_MS = (1_749_427_200_000, 1_766_361_600_000)  # Mondays, 00:00 UTC: in June, and before a year ends
LATER_MS = 1_800_000_000_000  # when a replay is loaded
NOISE = [b"\xff", b"", b'{"type":"nonsense"}', b'{"id":"1","type":"order_completed","customer_id":"a","time":1}']
KINDS = ["order_completed"] * 8 + [
    "session",
    "ticket_opened",
    "payment_failed",
    "subscription_started",
    "customer_erased",
]


Event = dict[str, Any]


@dataclass(frozen=True)
class Arrival:
    """A record and the instant at which it comes, which is its timestamp too."""

    at_ms: int
    customer: str | None  # None: a heartbeat, for every partition
    value: bytes


@dataclass(frozen=True)
class Story:
    live: bool
    policy: Policy
    partitions: int
    arrivals: tuple[Arrival, ...]  # in order of `at_ms`
    end_ms: int


@dataclass(frozen=True)
class Calm:
    policy: Policy
    events: list[Event]  # in order
    end_ms: int


def partition_of(customer: str, partitions: int) -> int:
    """Where the records of a customer go."""
    return zlib.crc32(customer.encode()) % partitions


def story(draw: random.Random) -> Story:
    """The input of a seed to which something happens."""
    live, start_ms, partitions = draw.random() < 0.5, draw.choice(STARTS_MS), draw.choice([1, 2, 2, 3])
    policy = _policy(draw)
    events = _customers(draw, start_ms)
    if live and draw.random() < 0.3:
        events += _crowd(draw, start_ms)
    events.sort(key=lambda one: (one["time"], one["id"]))
    end_ms = max(one["time"] for one in events) + draw.choice([3, 12]) * DAY_MS
    arrivals = _live(draw, events, partitions) if live else _replay(draw, events)
    beat = b'{"type":"clock_advanced","time":%d}' % end_ms
    last_ms = max(end_ms, arrivals[-1].at_ms if arrivals else 0)
    return Story(live, policy, partitions, (*arrivals, Arrival(last_ms, None, beat)), last_ms)


def calm(draw: random.Random) -> Calm:
    """Events without what is documented to go by arrival: an erasure, and more of a subscription than is kept (R2)."""
    policy = _policy(draw)
    events: list[Event] = []
    for one in sorted(_customers(draw, draw.choice(STARTS_MS)), key=lambda one: (one["time"], one["id"])):
        alike = [
            before for before in events if (before["customer_id"], before["type"]) == (one["customer_id"], one["type"])
        ]
        if one["type"] != "customer_erased" and not (one["type"] == "subscription_started" and len(alike) == 3):
            events.append(one)
    return Calm(policy, events, max((one["time"] for one in events), default=STARTS_MS[0]) + 12 * DAY_MS)


def _policy(draw: random.Random) -> Policy:
    return parse(
        f"alert_grace_minutes = {draw.choice([0, 10, 60])}\nallowed_lateness_days = {draw.choice([0, 1, 2])}\n"
        "[signs.silent]\nhorizon_days = 4\ntheta = 0.2\noverdue = 0.5\nmin_purchase_days = 2\n",
        "simulated",
    )


def _customers(draw: random.Random, start_ms: int) -> list[Event]:
    return [one for name in "abcdefgh"[: draw.randint(2, 8)] for one in _customer(draw, name, start_ms)]


def _customer(draw: random.Random, name: str, start_ms: int) -> list[Event]:
    """Somebody with a habit, and pauses in it."""
    at_ms = start_ms + draw.randrange(3 * 24 * 60) * MINUTE_MS
    usual = draw.randint(1, 2)
    found = []
    for n in range(draw.randint(2, 8)):
        event: Event = {"id": f"{name}{n}", "customer_id": name, "time": at_ms, "type": draw.choice(KINDS)}
        if event["type"] == "ticket_opened":
            event["ticket_id"] = "t"
        if event["type"] == "order_completed":
            event["amount"] = 10
        if event["type"] == "subscription_started":
            event |= {"subscription_id": "s", "mrr": 5}
        found.append(event)
        at_ms += draw.choice([usual, usual, usual, usual + 1, 6]) * DAY_MS + draw.choice([0, 0, 1, 500, HOUR_MS])
    return found


def _crowd(draw: random.Random, start_ms: int) -> list[Event]:
    """Bystanders on Mondays from nine to ten, so that it is known what is usual then."""
    step = draw.choice([45, 60])
    return [
        {"id": f"x{week}.{s}", "customer_id": f"crowd{s % 3}", "type": "content_viewed",
         "time": start_ms + week * 7 * DAY_MS + 9 * HOUR_MS + s * 1000}
        for week in range(4)
        for s in range(7, 3600, step)
    ]  # fmt: skip


def _live(draw: random.Random, events: list[Event], partitions: int) -> list[Arrival]:
    """Records as events happen, but for holes: in each, what happens is lost, or comes when it is over.

    What one partition alone misses is lost: a silence that is usual for it is trusted, and what came afterwards would
    rightly be late (of all partitions the busiest tells, whose silences are short).
    """
    arrivals = [(one["time"], one) for one in events]
    for _ in range(draw.randint(0, 3)):
        lost_ms = draw.choice(events)["time"]
        until_ms = lost_ms + draw.choice([16, 50, 300, 3_000, 10_000]) * MINUTE_MS
        only = draw.choice([None, draw.randrange(partitions)])  # the partition, or all
        missed = [
            lost_ms < at_ms < until_ms and only in (None, partition_of(one["customer_id"], partitions))
            for at_ms, one in arrivals
        ]
        if only is not None or draw.random() < 0.5:
            arrivals = [one for one, hit in zip(arrivals, missed, strict=True) if not hit]
        else:
            arrivals = [(until_ms if hit else one[0], one[1]) for one, hit in zip(arrivals, missed, strict=True)]
    found = [Arrival(at_ms, one["customer_id"], json.dumps(one).encode()) for at_ms, one in arrivals]
    for _ in range(draw.choice([0, 0, 3])):
        at_ms = draw.choice(events)["time"] + draw.randrange(3 * 24 * 60) * MINUTE_MS
        if not any(one["time"] < at_ms < arrived_ms for arrived_ms, one in arrivals):  # it would be a lie
            found.append(Arrival(at_ms, None, b'{"type":"clock_advanced","time":%d}' % at_ms))
    return sorted(found, key=lambda one: (one.at_ms, one.value if one.customer is None else b""))


def _replay(draw: random.Random, events: list[Event]) -> list[Arrival]:
    """Records of the past, loaded one after the other: some late or too late, some twice, some no events."""
    placed: list[tuple[float, str, bytes]] = []
    for at, one in enumerate(events):
        value = json.dumps(one).encode()
        placed.append((at + (draw.choice([1.5, 5.5, 20.5]) if draw.random() < 0.1 else 0), one["customer_id"], value))
        if draw.random() < 0.05:
            placed.append((at + draw.choice([0.1, 7.1]), one["customer_id"], value))
        if draw.random() < 0.03:
            placed.append((at + 0.2, one["customer_id"], draw.choice(NOISE)))
    placed.sort(key=lambda one: one[:2])
    return [Arrival(LATER_MS + at, name, value) for at, (_, name, value) in enumerate(placed)]
