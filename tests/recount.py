"""The recount: docs/definitions.md computed from scratch, slowly and obviously, to hold the core against.

Owns: a second opinion. It may import nothing of `stream`: plain events in, plain numbers out, every clause quoted where
it is followed. Policies are the tables of their TOML files.

Where a clause leaves room, this is how it is read:

- T3, T4, R7: a duplicate moves M, and nothing else: it doesn't enter the ring of 8, nor the earliest event.
- T4: what an event itself makes due in the past (a late purchase) happens before the next accepted event, not at once.
- T5: alerts that follow each other within one step (opened, then churned) are in the common order of due instants.
- S2: an observation is compared when it arrives; a change that a later arrival makes redundant stays. Where nothing is
  known yet, `other` is in force, so that an observation of `other` is no change.
- S3, R7: a final period is counted with what is known when C passes its end, before the event that moved C is applied
  (a segment first seen afterwards comes too late for it); a closed one with what was known when it closed,
  or at the first whole hour of A after a late event, of whichever customer.
- R2: of events of one subscription at the same millisecond the later arrival is the last; of more than 3 the latest
  by time stay, of more than 4 subscriptions those whose latest event is latest. Without an id they are one.
- R7: the open period has no definition of its own, and no record here.
- R8: a policy without `history_start` learns it over all partitions. Segments without anybody have a record of zeros.
- A2: n counts the purchase days that came in order; a late earlier one counts no more than its gap does.
- A2, A4: a purchase on an earlier day than the last changes nothing of the sign, nor does it end "nothing is due"; one
  on the last day does, but its id may have been opened (A6).
- C1: `unsubscribed` says nothing of tracking.
- A5: an alert that a purchase resolves has the purchase's time.
- A7: what is known at the end of D are the accepted events with an earlier time.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.recounting.activity import activity_of
from tests.recounting.alerts import Alerts
from tests.recounting.customer import Customer, Event, is_customer, observe_segment, observe_subscription, segment_at
from tests.recounting.days import DAY, KINDS, day_of, end_of, last_day, ms, period_of
from tests.recounting.flows import flows_of, remember, sums_of
from tests.recounting.leads import leads_on
from tests.recounting.leaving import keep, leaving_of, money_and_mood_of
from tests.recounting.outages import Outages
from tests.recounting.records import Period, records
from tests.recounting.rules import Rules
from tests.recounting.scores import scores_of
from tests.recounting.signs import SIGNS, Asks, minor
from tests.recounting.years import Years

STARTS = ("subscription_started", "subscription_renewed", "subscription_changed")


class Shard:
    """A partition, event by event in order of arrival."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.latest_ms: int | None = None  # M
        self.outages = Outages(rules.zone)
        self.earliest_ms: int | None = None
        self.customers: dict[str, Customer] = {}
        self.alerts = Alerts(rules, self.outages)
        self.final: dict[Period, Counter[tuple[str, str]]] = {}
        self.closed: dict[Period, Counter[tuple[str, str]]] = {}  # and not yet final
        self.days: tuple[date, ...] = ()  # of A and C
        self.hour = 0  # of A
        self.late = False  # an event of a closed day has come in this hour
        self.purchases: list[tuple[str, int]] = []
        self.orders: list[tuple[str, int, int]] = []  # and what was paid, in minor units
        self.flows: dict[date, Counter[tuple[str, str]]] = {}  # by day: (segment, measure)
        self.customers_of: dict[date, Counter[tuple[str, str]]] = {}  # by day, as last counted
        self.years = Years(rules)

    @property
    def alert_clock(self) -> float:
        """T1: "the alert clock A = M − alert_grace"."""
        return -math.inf if self.latest_ms is None else self.latest_ms - self.rules.grace_ms

    @property
    def close_clock(self) -> float:
        """T1: "the close clock C = A − allowed_lateness_days × 24 h"."""
        return self.alert_clock - self.rules.lateness_ms

    @property
    def history_start(self) -> date | None:
        """R7: "history_start is the policy's, or the business day of the earliest accepted event of a customer"."""
        if self.rules.history_start or self.earliest_ms is None:
            return self.rules.history_start
        return day_of(self.earliest_ms, self.rules.zone)

    def take(self, event: Event, *, live: bool = False) -> str:
        """Say what the event was: `too_late`, `duplicate` or `accepted`."""
        time_ms = ms(event["time"])
        if time_ms < self.close_clock:
            return "too_late"  # T3: "C as it stood before the event … It changes nothing"
        # T4: "M becomes max(M, time) — the event at hand included, duplicates included. Then everything that is due
        # at or before the new A happens, and only then is the event itself applied"
        if self.outages.hear(self.latest_ms, time_ms, self.rules.grace_ms, live, event["type"] == "clock_advanced"):
            for name, customer in self.customers.items():  # T10: "wherever something is due"
                self.alerts.await_next(name, customer)
        self.latest_ms = time_ms if self.latest_ms is None else max(self.latest_ms, time_ms)
        self.alerts.fire(self.customers, self.alert_clock)
        self._finish()
        if event["type"] == "clock_advanced":
            return "accepted"  # T6: "does T2–T5 and nothing else"
        customer = self.customers.get(event["customer_id"]) or Customer(tracking=(0, self.rules.tracking))
        key = (event.get("source") or "", event["id"])
        if time_ms // 1000 * 1000 <= customer.erased_ms:
            return "duplicate"  # H2: "ignored like a duplicate"
        if key in customer.recent:
            return "duplicate"  # T7: "among the customer's last 8 accepted events. It changes nothing"
        customer.recent = [*customer.recent, key][-8:]
        self.customers[event["customer_id"]] = customer
        began = self.history_start
        self.earliest_ms = time_ms if self.earliest_ms is None else min(self.earliest_ms, time_ms)
        self.late |= day_of(time_ms, self.rules.zone) < day_of(int(self.alert_clock), self.rules.zone)
        if event["type"] == "customer_erased":
            self._erase(event["customer_id"], customer, time_ms // 1000 * 1000)
        else:
            customer.seen = True
            self._apply(customer, event, time_ms)
        if self.history_start != began:
            self._finish(anew=True)
        return "accepted"

    def _erase(self, name: str, customer: Customer, now_ms: int) -> None:
        """H1."""
        self.alerts.end(name, customer, SIGNS, "erased", now_ms)
        self.customers[name] = Customer(tracking=(0, self.rules.tracking), erased_ms=now_ms)
        self.years.customers.discard(name)

    def _apply(self, customer: Customer, event: Event, time_ms: int) -> None:
        kind = event["type"]
        day = day_of(time_ms, self.rules.zone)
        if event.get("segment") is not None:
            # S1: "observes it at the event's time (whole seconds) … any other name counts as `other`"
            segment = event["segment"] if event["segment"] in self.rules.segments else "other"
            observe_segment(customer, time_ms // 1000, segment)
        # D1: "it counts on its business day, in the segment of that day (S4) as known when it arrives"
        segment = segment_at(customer, end_of(day - DAY, self.rules.zone) // 1000 - 1)
        for measure, value in flows_of(event, customer, self.rules):
            self.flows.setdefault(day, Counter())[segment, measure] += value
        remember(event, customer, self.rules)
        keep(event, customer, day)
        says = event.get("consent_tracking") if kind in {"profile_updated", "consent_changed"} else None
        if says is not None and time_ms // 1000 >= customer.tracking[0]:
            # C1: "the latest one said, by event time (whole seconds; of two in the same second the later arrival)"
            customer.tracking = time_ms // 1000, says
        if kind.startswith("subscription_"):
            observe_subscription(customer, event, time_ms)
        qualifies = kind in self.rules.qualifying[segment_at(customer, time_ms // 1000)]
        if qualifies and day not in customer.active:
            insort(customer.active, day)
            # R1: "remembered for 256 days by business day"
            customer.active = [one for one in customer.active if one > customer.active[-1] - 256 * DAY]
        if qualifies or kind in STARTS:
            # R4: "the first qualifying activity ever, or the first start … ever, was on d, by event time"
            customer.acquired = min(customer.acquired or day, day)
        if kind == "order_completed":
            self.orders.append((event["customer_id"], time_ms, minor(event["amount"])))
        waits = False
        if kind in self.rules.activity:  # A1
            self.purchases.append((event["customer_id"], time_ms))
            waits = self.alerts.purchase(event["customer_id"], customer, day, time_ms)
        self._signs(event["customer_id"], customer, event, day, time_ms // 1000 * 1000)
        if waits:
            customer.silent_days = self.alerts.silent_days(customer)
            self.alerts.await_next(event["customer_id"], customer)

    def _signs(self, name: str, customer: Customer, event: Event, day: date, now_ms: int) -> None:
        """L4: "`silent` ends; what is muted; what recovers; what opens; what escalates"."""
        signs, asks = self.rules.signs, Asks()
        if event["type"] in self.rules.activity:
            signs.purchase(customer.story, day, asks)
        latest = self._follow_subscriptions(customer, event, now_ms)
        others = signs.take(customer.story, event, latest_of_its_subscription=latest)
        asks = Asks(asks.opens | others.opens, asks.ends | others.ends, others.graver)
        if event["type"] == "alert_muted":
            self.alerts.mute(name, customer, event, now_ms)
        self.alerts.grant(name, customer, asks, now_ms)
        self.alerts.await_next(name, customer)

    @staticmethod
    def _follow_subscriptions(customer: Customer, event: Event, now_ms: int) -> bool:
        """R2: of those that are not told apart any more nothing is kept; whether this is its own's latest event."""
        for known in (customer.story.mrr, customer.story.ends_ms):
            for gone in set(known) - set(customer.subscriptions):
                del known[gone]
        own = customer.subscriptions.get(event.get("subscription_id") or "", [])
        return all(event[0] // 1000 * 1000 <= now_ms for event in own)

    # -------------------------------------------------------- retention

    def _count_ends(self) -> None:
        """D6."""
        for day, segment, measure in self.alerts.ended:
            self.flows.setdefault(day, Counter())[segment, measure] += 1
        self.alerts.ended.clear()

    def _finish(self, *, anew: bool = False) -> None:
        """R7: "provisional until A passes its end, then closed … published again … final when C passes its end"."""
        self._count_ends()
        today = day_of(int(self.alert_clock), self.rules.zone)
        hour = int(self.alert_clock) // 3_600_000
        revised, self.late = self.late and hour != self.hour, self.late and hour == self.hour
        # where A stands when what is late is published: at the next hour or day, however far the event moves it
        border = min(3_600_000 * (self.hour + 1), end_of(self.days[0], self.rules.zone)) if self.days else math.inf
        border = math.inf if anew else border
        self.hour, revised = hour, revised or anew  # anew: history begins with another day, and what is over is closed
        days = today, day_of(int(self.close_clock), self.rules.zone)
        if self.history_start is None or (days == self.days and not revised):
            return
        self.days = days
        closed, self.closed = {} if revised else self.closed, {}
        for kind in KINDS:
            start = period_of(kind, self.history_start)  # R8
            while last_day(kind, start) < today:  # T5: "a day d is closed when end(d) ≤ A"
                key = kind, start
                end = end_of(last_day(kind, start), self.rules.zone)
                if end > self.close_clock:
                    self.closed[key] = closed[key] if key in closed else self.count(kind, start, max(end, border))
                elif key not in self.final:
                    self.final[key] = self.count(kind, start, border if anew else end + self.rules.lateness_ms)
                start = last_day(kind, start) + DAY
        if days[1] > self.history_start:
            self.years.settle(self.customers, days[1] - DAY)

    def count(self, kind: str, start: date, now_ms: float) -> Counter[tuple[str, str]]:
        """R5: the counts of a period a…b by (segment, count), as known; of alerts when A stands at `now_ms`."""
        rules, zone = self.rules, self.rules.zone
        before, last = start - DAY, last_day(kind, start)
        counts: Counter[tuple[str, str]] = Counter()
        for name, customer in self.customers.items():
            segment = segment_at(customer, end_of(before, zone) // 1000 - 1)  # S4: "end(a−1) − 1 s"
            active_days = self.rules.active_days[segment]
            at_start = is_customer(customer, before, active_days, zone)
            if kind == "year" and start == self.years.first:
                at_start = name in self.years.customers
            at_end = is_customer(customer, last, active_days, zone)
            acquired = customer.acquired is not None and start <= customer.acquired <= last
            counts[segment, "start"] += at_start
            counts[segment, "end"] += at_end
            counts[segment, "acquired"] += acquired
            counts[segment, "acquired_lost"] += acquired and not at_end
            counts[segment, "lost"] += at_start and not at_end
            counts[segment, "reactivated"] += at_end and not at_start and not acquired
            if kind == "year":
                continue  # R9: "the counts and the flows alone"
            counts.update((segment, measure) for measure in activity_of(customer, kind, start, last))
            for measure, value in (
                *leaving_of(customer, kind, start, last, rules, at_start=at_start, at_end=at_end),
                *money_and_mood_of(customer, start, last, zone),
            ):
                counts[segment, measure] += value
        if kind == "day":
            self.customers_of[start] = Counter({
                (one, days): counts[one, at_the_end]
                for one in rules.segments
                for days, at_the_end in (("customer_days", "end"), ("member_days", "members_end"))
            }) + leads_on(last, now_ms, self.customers, self.alerts)  # fmt: skip
        assert self.history_start is not None
        counts.update(sums_of(self.flows, self.customers_of, self.history_start, start, last))
        return counts


# ---------------------------------------------------------------- the whole


@dataclass
class Recount:
    alerts: list[dict[str, Any]]
    records: dict[tuple[str, str, str], dict[str, Any]]  # by (period, start, segment), the closed and final ones
    too_late: list[int]  # positions in the input
    duplicates: list[int]
    shards: list[Shard]

    def scores(self, day: date) -> dict[str, tuple[int, float, float]]:
        return {name: score for shard in self.shards for name, score in scores_of(shard, day).items()}


def recount(
    events: Sequence[Event],
    policy: Mapping[str, Any],
    partitions: int = 1,
    partition_of: Callable[[str], int] | None = None,
    *,
    live: Callable[[Event], bool] = lambda _: False,
) -> Recount:
    """Count `events`, in order of arrival, under a policy's table; a customer is in partition `partition_of(name)`."""
    rules = Rules(policy)
    shards = [Shard(rules) for _ in range(partitions)]
    too_late: list[int] = []
    duplicates: list[int] = []
    for position, event in enumerate(events):
        if event["type"] == "clock_advanced":
            verdicts = [shard.take(event, live=live(event)) for shard in shards]
        else:
            verdicts = [shards[partition_of(event["customer_id"]) if partition_of else 0].take(event, live=live(event))]
        too_late += [position] * ("too_late" in verdicts)
        duplicates += [position] * ("duplicate" in verdicts)
    alerts = [alert for shard in shards for alert in shard.alerts.said]
    return Recount(alerts, dict(records(rules, shards)), too_late, duplicates, shards)
