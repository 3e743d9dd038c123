"""A customer's row in words: what the desk shows of one customer, and answers to "what do you hold about me?".

Owns: which of a row's numbers are told, and how. Reads the row, and what there is beside it; changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from stream.core.batch import MARKETING, MARKETING_KNOWN, TRACKING, TRACKING_KNOWN
from stream.core.calendar import calendar, date_of
from stream.core.lifecycle import Stage, stage_of
from stream.core.money import from_minor
from stream.core.retention import segment_at
from stream.core.row import NEVER_S, NO_DAY
from stream.core.signs import Sign

if TYPE_CHECKING:
    from stream.core.partition import Partition

SURVEYS: Final = ("NPS", "CSAT", "review")  # in the order of core.batch
Fact = tuple[str, str]


def describe(partition: Partition, customer_id: str) -> dict[str, Any] | None:
    """What a partition holds of a customer as JSON values: stage, segment, and facts in words; None for a stranger."""
    place = partition.table.row_of(customer_id)
    if place is None or partition.clock_ms is None:
        return None
    row, more, policy = partition.table.rows[place], partition.table.more_of(place), partition.policy
    get = _Fields(row, more, ZoneInfo(policy.zone), policy.currency)
    if not get.instant("seen"):
        return None  # only ever heard of in events that were refused
    days = calendar(policy.zone)
    day = days.day(partition.clock_ms)
    end_s = days.end_ms(day) // 1000
    code = int(segment_at(row, end_s - 1))
    stage = Stage(stage_of(row, more, day, end_s, policy.active_days[code], policy.silent.min_purchase_days)).name
    return {
        "customer_id": customer_id,
        "partition": partition.number,
        "as_of": datetime.fromtimestamp(partition.clock_ms // 1000, UTC).isoformat().replace("+00:00", "Z"),
        "stage": stage,
        "segment": policy.segments[code],
        "facts": [
            ["stage", stage.replace("_", " ")],
            ["segment", policy.segments[code]],
            *map(list, _facts(get, day)),
        ],
    }


class _Fields:
    """A customer's fields by name, wherever they lie; 0 and never are None."""

    def __init__(self, row: Any, more: Any, zone: ZoneInfo, currency: str) -> None:
        self._parts = {name: part for part in (more, row) for name in part.dtype.names}
        self._zone = zone
        self._currency = currency

    def number(self, name: str) -> int:
        return int(self._parts[name][name])

    def real(self, name: str) -> float:
        return float(self._parts[name][name])

    def day(self, name: str) -> int | None:
        found = self.number(name)
        return None if found in (NO_DAY, 0) else found

    def instant(self, name: str) -> int | None:
        """Epoch seconds."""
        seconds = self.number(f"{name}_s")
        return None if seconds in (0, NEVER_S) else seconds

    def when(self, name: str) -> str | None:
        return self.clock(self.instant(name))

    def clock(self, seconds: int | None) -> str | None:
        return None if seconds is None else f"{datetime.fromtimestamp(seconds, self._zone):%Y-%m-%d %H:%M}"

    def alerts(self) -> Iterator[tuple[Sign, str | None]]:
        """The signs whose alert is open, and since when."""
        for sign in Sign:
            if self.number("open") >> sign & 1:
                yield sign, self.clock(int(self._parts["opened_s"]["opened_s"][sign]))

    def count(self, name: str) -> int:
        """How many places of a field are taken."""
        return int((self._parts[name][name] != 0).sum())

    def scores(self) -> Iterator[tuple[str, int]]:
        """The last answer to each kind of survey that was answered."""
        for survey, code in zip(SURVEYS, self._parts["score"]["score"], strict=True):
            if code:
                yield survey, int(code) - 1

    def money(self, name: str) -> str | None:
        minor = self.number(name)
        return f"{from_minor(minor, self._currency):,.2f} {self._currency}" if minor else None


def _facts(get: _Fields, today: int) -> Iterator[Fact]:
    first, last = get.day("first_day"), get.day("purchase_day")
    if first is not None:
        yield "customer since", f"{date_of(first)}"
    yield "last event", get.when("seen") or "none"
    if last is not None:
        yield "last order", f"{date_of(last)}, {_days(max(0, today - last))} before the day it is now"
        yield "orders", f"{get.number('orders'):,} on {_days(get.number('purchase_days'))}"
    if get.real("gap_weight") > 0:
        yield "usual gap", f"about {_days(max(1, round(math.exp(get.real('gap_mean')))))} between orders"
    for sign, since in get.alerts():
        yield "open alert", f"{sign.name.replace('_', ' ')}, since {since}"
    due = get.when("due")
    if due:
        yield "looked at again", f"{due}, if nothing happens until then"
    yield from _relations(get)
    for name, field in (
        ("revenue", "revenue"), ("refunded", "refunded"), ("cost to serve", "cost_to_serve"),
        ("acquisition cost", "acquisition_cost"),
    ):  # fmt: skip
        money = get.money(field)
        if money:
            yield name, money
    consent = get.number("consent")
    yield "consent to marketing", _consent(consent, MARKETING, MARKETING_KNOWN)
    yield "consent to tracking", _consent(consent, TRACKING, TRACKING_KNOWN)


def _relations(get: _Fields) -> Iterator[Fact]:
    """Of those who have them: tickets, what they said, what failed."""
    tickets = get.count("ticket_s")
    if tickets:
        yield "open tickets", f"{tickets:,}"
    for survey, score in get.scores():
        yield f"last {survey} score", f"{score:,}"
    for name, field in (("payment failed", "failed"), ("last contact", "contact"), ("muted until", "muted_until")):
        when = get.when(field)
        if when:
            yield name, when


def _consent(bits: int, yes: int, known: int) -> str:
    if not bits & known:
        return "never said; the policy's default holds"
    return "yes" if bits & yes else "no"


def _days(n: int) -> str:
    return "1 day" if n == 1 else f"{n:,} days"
