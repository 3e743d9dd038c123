"""What the recount keeps of a customer, as plain lists (S, R2, R3, T7, A2). Knows nothing of clocks or policies."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from tests.recounting.days import DAY, day_of, end_of, ms
from tests.recounting.signs import Story

FOREVER = math.inf

Event = Mapping[str, Any]


@dataclass
class Trial:
    second: int
    uses: int = 0
    over: bool = False


@dataclass
class Customer:
    recent: list[tuple[str, str]] = field(default_factory=list)  # T7: (source, id) of the last 8 accepted events
    segments: list[tuple[int, str]] = field(default_factory=list)  # S2: (second, segment)
    active: list[date] = field(default_factory=list)  # R1, in order
    # R2, W8: (time, lives until, MRR in minor units)
    subscriptions: dict[str, list[tuple[int, float, int]]] = field(default_factory=dict)
    nps: list[tuple[int, int]] = field(default_factory=list)  # W9: (second, score)
    acquired: date | None = None  # R4
    tracking: tuple[int, bool] = (0, True)  # C1: (second, what was said)
    purchase_days: list[date] = field(default_factory=list)  # A2, those that came in order
    instant_ms: int = 0  # A2, of the last purchase
    silent_days: int | None = None  # A3: s*, None when nothing is due
    due_ms: int | None = None
    open: dict[str, int] = field(default_factory=dict)  # L1: sign → opening
    # L8: of each sign's alerts, when they were known to open, and when they opened
    opened: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    episodes: dict[str, date] = field(default_factory=dict)  # of each sign's last alert
    turns: dict[str, int] = field(default_factory=dict)  # A6: n
    graver: set[str] = field(default_factory=set)  # L3
    muted: set[str] = field(default_factory=set)  # L6
    muted_until: float = 0
    story: Story = field(default_factory=Story)
    erased_ms: int = -1  # H1
    seen: bool = False  # an event was accepted, since the erasure if there was one
    orders: int = 0  # D3
    months: dict[int, int] = field(default_factory=dict)  # W4, in minor units
    kinds: list[str] = field(default_factory=list)  # W7
    word: date | None = None  # W5
    member: bool = False
    tickets: dict[str, tuple[int, bool]] = field(default_factory=dict)  # (second, whether it is open)
    trial: Trial | None = None  # D5
    replied: set[str] = field(default_factory=set)  # of the open ones, D3
    complaints: set[str] = field(default_factory=set)  # likewise
    acquisition_cost: int = 0  # in minor units, as last said
    categories: set[str] = field(default_factory=set)  # D7
    variant: str | None = None  # W12
    campaign: int = -1  # D6: second of the latest one


def segment_at(customer: Customer, second: int) -> str:
    """S3: "the last change at or before t, else the earliest change after it, else `other`"."""
    before = [segment for when, segment in customer.segments if when <= second]
    after = [segment for when, segment in customer.segments if when > second]
    return before[-1] if before else after[0] if after else "other"


def observe_segment(customer: Customer, second: int, segment: str) -> None:
    """S2."""
    if customer.segments and segment_at(customer, second) == segment:
        return  # "an observation after the first that is equal to the segment in force at its time is dropped"
    others = [change for change in customer.segments if change[0] != second]  # "the later arrival replaces the earlier"
    customer.segments = sorted([*others, (second, segment)])[-4:]  # "the latest 4 changes of them"


def observe_subscription(customer: Customer, event: Event, time_ms: int) -> None:
    """R2: "a subscription event says until when the subscription lives, as seen from that event's time"."""
    period_end = event.get("period_end")
    if event["type"] == "subscription_cancelled":
        # "until period_end if that is given and later than the event, else until the event's own time"
        until: float = time_ms if period_end is None else max(ms(period_end), time_ms)
    else:
        # "for ever, or until period_end when auto_renew is false and period_end is given"
        until = FOREVER if event.get("auto_renew") is not False or period_end is None else ms(period_end)
    known = customer.subscriptions.setdefault(event.get("subscription_id") or "", [])
    # W8: "without an mrr as before, that is as the event before it by time"
    before = [mrr for when, _, mrr in known if when // 1000 <= time_ms // 1000]
    mrr = before[-1] if before else 0
    if event.get("mrr") is not None:
        mrr = int(Decimal(str(event["mrr"])) * 100)
    known.append((time_ms, until, mrr))
    known.sort(key=lambda seen: seen[0] // 1000)  # keeps arrivals of one second in order
    if len(known) > 3:  # "3 such events of each … are told apart"
        oldest_ms, lived_until, _ = known.pop(0)
        if lived_until == FOREVER:  # "if it lived for ever, the next one counts from its time"
            known[0] = (oldest_ms, *known[0][1:])
    if len(customer.subscriptions) > 4:  # "up to 4 subscriptions a customer"
        del customer.subscriptions[min(customer.subscriptions, key=lambda one: customer.subscriptions[one][-1][0])]


def is_customer(customer: Customer, day: date, active_days: int, zone: str) -> bool:
    """R3: "a subscription is live at the end of d, or there was qualifying activity on a day in (d − W, d]"."""
    up_to = bisect_right(customer.active, day)
    if up_to and customer.active[up_to - 1] > day - DAY * active_days:
        return True
    for known in customer.subscriptions.values():
        # R2: "live at the end of day d when the last of its events before end(d) lives until a day later than d"
        before = [until for time_ms, until, _ in known if time_ms < end_of(day, zone)]
        if before and (before[-1] == FOREVER or day_of(int(before[-1]), zone) > day):
            return True
    return False


def mrr_at(customer: Customer, day: date, zone: str) -> int:
    """W8: "of the subscriptions that are live at the end of a day, what the event in force says"."""
    total = 0
    for known in customer.subscriptions.values():
        before = [(until, mrr) for time_ms, until, mrr in known if time_ms < end_of(day, zone)]
        if before and (before[-1][0] == FOREVER or day_of(int(before[-1][0]), zone) > day):
            total += before[-1][1]
    return total
