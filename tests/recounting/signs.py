"""The signs beside `silent`, from what is known of a customer, every clause quoted (definitions B, X, Y).

Owns: what each event asks for (open, recover, escalate) and what is due when. Plain lists and dicts, each sum written
out. Knows nothing of how alerts live.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from tests.recounting.days import DAY_MS, day_of, ms

SIGNS = (
    "silent", "buying_less_often", "spending_less", "engaging_less", "never_activated", "cooling", "detractor",
    "complaint", "payment_failed", "cancelling", "poor_experience", "abandoning", "neglected",
)  # fmt: skip
HOUR_MS = 3_600_000

Event = Mapping[str, Any]
Settings = Mapping[str, Any]
After = Callable[[int, int], int]  # an instant and a wait → when that wait is over (T10)


@dataclass
class Asks:
    """What an event asks for: signs to open with their episode's day, to end as recovered, to make graver."""

    opens: dict[str, date] = field(default_factory=dict)
    ends: set[str] = field(default_factory=set)
    graver: set[str] = field(default_factory=set)


@dataclass
class Ticket:
    since_ms: int
    priority: str
    looked_at: bool = False
    closed: bool = False  # its resolution came first


@dataclass
class Story:
    """What the signs keep of a customer."""

    first_ms: int | None = None
    buys: list[date] = field(default_factory=list)  # purchase days that came in order
    orders: int = 0
    revenue: int = 0  # minor units, as all money
    refunded: int = 0
    cost: int = 0
    margin: float | None = None
    spent: list[tuple[date, int]] = field(default_factory=list)  # orders that came on the latest day
    engaged: list[date] = field(default_factory=list)
    begun_ms: int | None = None  # B4; settled is None again
    settled: bool = False
    activation_looked_at: bool = False
    uses: int = 0
    answers: dict[str, tuple[int, int]] = field(default_factory=dict)  # survey: (second, score)
    complaints: list[date] = field(default_factory=list)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    failed_ms: int | None = None
    failed_due_ms: int | None = None
    recovered_ms: int = -1
    mrr: dict[str, int] = field(default_factory=dict)
    ends_ms: dict[str, int] = field(default_factory=dict)
    loads: list[tuple[date, bool]] = field(default_factory=list)
    left: list[date] = field(default_factory=list)
    contact_ms: int | None = None


def minor(amount: float) -> int:
    return round(amount * 100)


def second(time_ms: int) -> int:
    return time_ms // 1000 * 1000


def faded(days: Sequence[tuple[date, float]], fade_days: int) -> float:
    """Amounts in order of arrival, each × e^(−days since/fade); a late one counts as of the latest day then."""
    total, latest = 0.0, None
    for day, amount in days:
        if latest is not None and day > latest:
            total *= math.exp(-(day - latest).days / fade_days)
        latest = day if latest is None else max(latest, day)
        total += amount
    return total


def cusum(days: Sequence[date], usual: float) -> float:
    """B1: "m = (D + 2u)/(n + 2), W ← max(0, W + ln .3 + .7 min(g/m, 4)), from W = 0"."""
    w = 0.0
    for n, (before, day) in enumerate(pairwise(days)):
        m = ((before - days[0]).days + 2 * usual) / (n + 2)
        w = max(0.0, w + math.log(0.3) + 0.7 * min((day - before).days / m, 4))
    return w


class Signs:
    """The policy's table, and what it makes of events."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self.zone: str = policy.get("zone", "UTC")
        self.of: dict[str, Settings] = {name: policy.get("signs", {}).get(name, {}) for name in SIGNS}
        self.usual = math.exp(float(self.of["silent"].get("model", {}).get("mu0", 1.0986)))
        self.engages = self.of["engaging_less"].get("activity", ("session", "feature_used", "content_viewed"))
        self.contacts = self.of["neglected"].get("contacts", ("campaign_sent", "ticket_replied", "feedback_answered"))
        self.targets = {"low": 120, "normal": 72, "high": 24, "urgent": 8}
        self.targets |= self.of["complaint"].get("target_hours", {})

    def enabled(self, sign: str) -> bool:
        return bool(self.of[sign].get("enabled", sign != "neglected"))

    def day(self, time_ms: int) -> date:
        return day_of(time_ms, self.zone)

    # ---------------------------------------------------- events

    def purchase(self, story: Story, day: date, asks: Asks) -> None:
        """B1."""
        if story.buys and day <= story.buys[-1]:
            return
        story.buys.append(day)
        settings = self.of["buying_less_often"]
        threshold, gaps = float(settings.get("threshold", 3.0)), len(story.buys) - 1
        if gaps == 0:
            return
        w = cusum(story.buys, self.usual)
        if w >= threshold and gaps >= int(settings.get("min_gaps", 8)):
            asks.opens["buying_less_often"] = story.buys[-2]
        elif w <= threshold / 2:
            asks.ends.add("buying_less_often")

    def take(  # noqa: C901 — a kind a branch
        self, story: Story, event: Event, *, latest_of_its_subscription: bool
    ) -> Asks:
        """Everything but purchases, which come first."""
        time_ms = second(ms(event["time"]))
        day, asks, kind = self.day(ms(event["time"])), Asks(), event["type"]
        newcomer = story.first_ms is None
        story.first_ms = time_ms if story.first_ms is None else min(story.first_ms, time_ms)
        if kind == "order_completed":
            self._order(story, event, day, asks)
        if kind in self.engages:
            self._engaged(story, day, asks)
            self._use(story, time_ms, asks)
        for prefix, handle in (
            ("subscription_", self._subscription), ("ticket_", self._ticket), ("payment_", self._payment),
        ):  # fmt: skip
            if kind.startswith(prefix):
                handle(story, event, time_ms, day, asks, latest=latest_of_its_subscription)
        if kind in ("trial_started", "subscription_started") and story.begun_ms is None and not story.settled:
            story.begun_ms = time_ms  # B4: "the first … begins it"
        if kind in ("survey_answered", "review_posted"):
            self._answer(story, event, time_ms, day, asks)
        if kind == "page_performance":
            self._page(story, event, day, asks)
        if kind in ("cart_abandoned", "order_refunded"):
            self._left(story, event, time_ms, day, asks)
        if kind == "unsubscribed" and self.of["cancelling"].get("unsubscribe", True):
            asks.opens["cancelling"] = day
        if kind == "service_cost":
            story.cost += minor(event["amount"])
        if kind == "profile_updated" and event.get("margin") is not None:
            story.margin = event["margin"]
        if self.enabled("neglected") and (newcomer or kind in self.contacts):
            story.contact_ms = max(story.contact_ms or 0, time_ms)
            asks.ends.add("neglected")
        return asks

    def _order(self, story: Story, event: Event, day: date, asks: Asks) -> None:
        """B2, and X2: "at an order it recovers with the sum < count/2"."""
        amount = minor(event["amount"])
        story.orders += 1
        story.revenue += amount
        if not story.spent:
            story.spent.append((day, amount))
        elif day >= story.spent[-1][0]:
            before = story.spent[-1][0]
            story.spent.append((day, amount))
            settings = self.of["spending_less"]
            least, tenure = float(settings.get("share", 0.4)), (day - story.spent[0][0]).days
            if story.orders >= int(settings.get("min_orders", 8)) and tenure >= 84 and story.revenue > 0:
                share = faded(story.spent, 28) * tenure / (28 * story.revenue)
                if share <= least:
                    asks.opens["spending_less"] = before
                elif share >= (1 + least) / 2:
                    asks.ends.add("spending_less")
        if self._left_now(story, day) < float(self.of["abandoning"].get("count", 2.0)) / 2:
            asks.ends.add("abandoning")

    def _engaged(self, story: Story, day: date, asks: Asks) -> None:
        """B3."""
        if story.engaged and day <= story.engaged[-1]:
            return
        story.engaged.append(day)
        settings = self.of["engaging_less"]
        gaps, tenure = len(story.engaged) - 1, (day - story.engaged[0]).days
        if gaps == 0:
            return
        w, threshold = (
            cusum(story.engaged, float(settings.get("usual_gap_days", 3.0))),
            float(settings.get("threshold", 3.0)),
        )
        share, least = 1.0, float(settings.get("share", 0.4))
        if tenure >= 84:
            share = faded([(one, 1.0) for one in story.engaged], 28) * tenure / (28 * len(story.engaged))
        if gaps >= int(settings.get("min_gaps", 8)) and (w >= threshold or share <= least):
            asks.opens["engaging_less"] = story.engaged[-2]
        elif w <= threshold / 2 and share >= (1 + least) / 2:
            asks.ends.add("engaging_less")

    def _use(self, story: Story, time_ms: int, asks: Asks) -> None:
        """B4: "engagement at or after that instant is a use"."""
        if story.begun_ms is None or time_ms < story.begun_ms:
            return
        story.uses += 1
        if story.uses >= int(self.of["never_activated"].get("uses", 3)):
            story.begun_ms, story.settled = None, True
            asks.ends.add("never_activated")

    def _answer(self, story: Story, event: Event, time_ms: int, day: date, asks: Asks) -> None:
        """Y1, Y2."""
        survey = event["survey"] if event["type"] == "survey_answered" else "review"
        score = event["score"] if event["type"] == "survey_answered" else event["rating"]
        last = story.answers.get(survey)
        if last is not None and time_ms < last[0]:
            return
        story.answers[survey] = time_ms, score
        if score <= (6 if survey == "nps" else 2):
            asks.opens["detractor"] = day
            return
        asks.ends.add("detractor")
        if last is not None and score <= last[1] - 2:
            asks.opens["cooling"] = day
        elif last is None or score > last[1]:
            asks.ends.add("cooling")

    def _ticket(  # noqa: C901, PLR0912 — a clause a branch
        self, story: Story, event: Event, time_ms: int, day: date, asks: Asks, *, latest: bool
    ) -> None:
        """Y3."""
        del latest
        kind, known = event["type"], story.tickets.get(event["ticket_id"])
        if kind == "ticket_replied":
            return
        if kind == "ticket_resolved":
            if known is None:
                if self._has_place(story):
                    story.tickets[event["ticket_id"]] = Ticket(time_ms, "normal", closed=True)
            elif time_ms >= known.since_ms:
                del story.tickets[event["ticket_id"]]
            else:
                return  # opened again since
            if all(ticket.closed for ticket in story.tickets.values()):
                asks.ends.add("complaint")
            return
        if known is not None and known.since_ms >= time_ms:
            if known.closed:
                del story.tickets[event["ticket_id"]]
        elif known is not None or self._has_place(story):
            story.tickets[event["ticket_id"]] = Ticket(time_ms, event.get("priority", "normal"))
        if kind == "ticket_reopened":
            asks.graver.add("complaint")
        if event.get("category") == "complaint":
            story.complaints = sorted([*story.complaints, day])[-4:]
            settings = self.of["complaint"]
            within = int(settings.get("within_days", 30))
            if sum(0 <= (day - one).days < within for one in story.complaints) >= int(settings.get("repeated", 3)):
                asks.opens["complaint"] = day

    @staticmethod
    def _has_place(story: Story) -> bool:
        """Y3: "up to four … unless another ticket needs it": the oldest whose beginning never came goes."""
        if len(story.tickets) < 4:
            return True
        waiting = {name: ticket.since_ms for name, ticket in story.tickets.items() if ticket.closed}
        if waiting:
            del story.tickets[min(waiting, key=lambda name: waiting[name])]
        return bool(waiting)

    def _payment(self, story: Story, event: Event, time_ms: int, day: date, asks: Asks, *, latest: bool) -> None:
        """Y4."""
        del latest
        if event["type"] == "payment_recovered":
            story.recovered_ms = max(story.recovered_ms, time_ms)
            if story.failed_ms is None or story.failed_ms <= time_ms:
                story.failed_ms = story.failed_due_ms = None
                asks.ends.add("payment_failed")
            return
        if time_ms <= story.recovered_ms:
            return
        if event.get("final"):
            story.failed_due_ms = None
            asks.opens["payment_failed"] = day
            asks.graver.add("payment_failed")
        elif story.failed_ms is None:
            patience = int(self.of["payment_failed"].get("patience_minutes", 60))
            story.failed_due_ms = time_ms + patience * 60_000
        story.failed_ms = max(story.failed_ms or 0, time_ms)

    def _subscription(self, story: Story, event: Event, time_ms: int, day: date, asks: Asks, *, latest: bool) -> None:
        """Y5."""
        if not latest:
            return
        name, kind = event["subscription_id"], event["type"]
        before, now = story.mrr.get(name, 0), event.get("mrr")
        cut = now is not None and minor(now) < before * (1 - float(self.of["cancelling"].get("plan_cut", 0.2)))
        if now is not None:
            story.mrr[name] = minor(now)
        story.ends_ms.pop(name, None)
        renews_not = kind != "subscription_cancelled" and event.get("auto_renew") is False
        end = event.get("period_end")
        if renews_not and end is not None and second(ms(end)) > time_ms:
            story.ends_ms[name] = second(ms(end))
        if kind == "subscription_cancelled" or (kind == "subscription_changed" and renews_not) or cut:
            asks.opens["cancelling"] = day
        else:
            asks.ends.add("cancelling")

    def _page(self, story: Story, event: Event, day: date, asks: Asks) -> None:
        """X1."""
        settings = self.of["poor_experience"]
        bad = round(event["load_ms"]) > int(settings.get("slow_ms", 3000)) or not event.get("ok", True)
        bad = bad or bool(event.get("abandoned", False))
        usual = sum(one for _, one in story.loads) / len(story.loads) if len(story.loads) >= 20 else 0.0
        story.loads.append((day, bad))
        g = faded([(one, 1.0) for one, _ in story.loads], 14)
        h = faded([(one, float(was)) for one, was in story.loads], 14)
        least = float(settings.get("share", 0.5))
        if bad and h >= float(settings.get("loads", 3.0)) and h / g >= max(least, 2 * usual):
            asks.opens["poor_experience"] = day
        elif not bad and h / g <= least / 2:
            asks.ends.add("poor_experience")

    def _left_now(self, story: Story, day: date) -> float:
        return faded([*((one, 1.0) for one in story.left), (day, 0.0)], 28)

    def _left(self, story: Story, event: Event, time_ms: int, day: date, asks: Asks) -> None:
        """X2."""
        if event["type"] == "order_refunded":
            story.refunded += minor(event["amount"])
        assert story.first_ms is not None
        tenure = max(28.0, (time_ms - story.first_ms) / DAY_MS)
        usual = len(story.left) * 28 / tenure
        story.left.append(day)
        if self._left_now(story, day) >= max(float(self.of["abandoning"].get("count", 2.0)), 2 * usual):
            asks.opens["abandoning"] = day

    # ---------------------------------------------------- what is due

    def dues(self, story: Story, after: After) -> list[int]:
        """When something of a customer has to be looked at."""
        found = [] if story.failed_due_ms is None else [story.failed_due_ms]
        if story.begun_ms is not None and not story.activation_looked_at:
            found.append(self._activation_due(story, after))
        found += [self._target(one, after) for one in story.tickets.values() if not (one.looked_at or one.closed)]
        found += [max(self._notice(end), 0) for end in story.ends_ms.values()]
        if story.contact_ms is not None:
            found.append(self._contact_due(story, after))
        return found

    def _activation_due(self, story: Story, after: After) -> int:
        assert story.begun_ms is not None
        return after(story.begun_ms, int(self.of["never_activated"].get("days", 14)) * DAY_MS)

    def _target(self, ticket: Ticket, after: After) -> int:
        return after(ticket.since_ms, self.targets.get(ticket.priority, self.targets["normal"]) * HOUR_MS)

    def _notice(self, end_ms: int) -> int:
        return end_ms - int(self.of["cancelling"].get("notice_days", 14)) * DAY_MS

    def _contact_due(self, story: Story, after: After) -> int:
        assert story.contact_ms is not None
        return after(story.contact_ms, int(self.of["neglected"].get("days", 60)) * DAY_MS)

    def look(self, story: Story, now_ms: int, active: Sequence[date], after: After) -> list[tuple[str, date]]:
        """What opens at an instant at which something is due, in order; each thing is looked at once."""
        opens: list[tuple[str, date]] = []
        waits = story.begun_ms is not None and not story.activation_looked_at
        if waits and self._activation_due(story, after) <= now_ms:
            story.activation_looked_at = True
            opens.append(("never_activated", self.day(story.begun_ms or 0)))
        if story.failed_due_ms is not None and story.failed_due_ms <= now_ms:
            story.failed_due_ms = None
            assert story.failed_ms is not None
            opens.append(("payment_failed", self.day(story.failed_ms)))
        for ticket in story.tickets.values():
            if not (ticket.looked_at or ticket.closed) and self._target(ticket, after) <= now_ms:
                ticket.looked_at = True
                opens.append(("complaint", self.day(ticket.since_ms)))
        for name in [name for name, end in story.ends_ms.items() if self._notice(end) <= now_ms]:
            del story.ends_ms[name]
            today, idle = self.day(now_ms), int(self.of["cancelling"].get("idle_days", 14))
            if all((today - one).days >= idle for one in (*active, *story.engaged)):
                opens.append(("cancelling", today))
        if story.contact_ms is not None and self._contact_due(story, after) <= now_ms:
            contact_day, story.contact_ms = self.day(story.contact_ms), None
            if story.revenue >= int(self.of["neglected"].get("min_revenue", 0)):
                opens.append(("neglected", contact_day))
        return opens
