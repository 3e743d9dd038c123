"""The life of alerts in the recount, for every sign, and what is due (definitions A, L). Knows nothing of periods."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import date
from typing import Any

from tests.recounting.customer import Customer, Event, is_customer, segment_at
from tests.recounting.days import DAY, DAY_MS, day_of, end_of, ms
from tests.recounting.gaps import p_none, survival
from tests.recounting.outages import Outages
from tests.recounting.rules import Rules
from tests.recounting.signs import SIGNS, Asks, faded, second
from tests.recounting.winback import measures_of

BEHAVIOURAL = {
    "silent", "buying_less_often", "spending_less", "engaging_less", "never_activated", "poor_experience", "abandoning",
}  # fmt: skip
BY_PURCHASE = {"silent", "buying_less_often", "spending_less"}
BY_ENGAGEMENT = {"engaging_less", "never_activated"}
HORIZONS = {"cooling": 56, "detractor": 56, "neglected": 56}
COOLDOWNS = {
    "silent": 1, "buying_less_often": 56, "spending_less": 56, "engaging_less": 56, "never_activated": 365,
    "complaint": 14, "payment_failed": 1, "cancelling": 14, "neglected": 56,
}  # fmt: skip


class Alerts:
    """The alerts of a partition's customers, as they are said, and the heap of what is due."""

    def __init__(self, rules: Rules, outages: Outages) -> None:
        self.rules = rules
        self.outages = outages
        self.said: list[dict[str, Any]] = []
        self.dues: list[tuple[int, str]] = []
        self.clock_ms = -(2.0**62)  # A, while things fall due
        self.ended: list[tuple[date, str, str]] = []  # D6: (day, segment, measure), for the shard to count

    def horizon_ms(self, sign: str) -> int:
        return DAY_MS * int(self.rules.signs.of[sign].get("horizon_days", HORIZONS.get(sign, 28)))

    # -------------------------------------------------------- what happens to an alert

    def may_open(self, customer: Customer, sign: str, episode: date, now_ms: int) -> bool:
        """L2."""
        settings = self.rules.signs.of[sign]
        last = customer.episodes.get(sign)
        cooldown = int(settings.get("cooldown_days", COOLDOWNS.get(sign, 28))) if sign != "silent" else 1
        return (
            self.rules.signs.enabled(sign)
            and sign not in customer.open
            and (last is None or (episode - last).days >= cooldown)
            and not (sign in customer.muted and now_ms < customer.muted_until)
            and (customer.tracking[1] or sign not in BEHAVIOURAL)
        )

    def open(self, name: str, customer: Customer, sign: str, episode: date, now_ms: int) -> None:
        if not self.may_open(customer, sign, episode, now_ms):
            return
        others = [one for one in SIGNS if one in customer.open]
        customer.open[sign] = now_ms
        customer.opened.setdefault(sign, []).append((self.clock_ms, now_ms))
        customer.episodes[sign] = episode
        customer.turns[sign] = 1
        if others:
            customer.graver.add(sign)  # L3: "as grave from the start"
        self._say(name, customer, sign, "opened", None, now_ms)
        for other in others:
            self.escalate(name, customer, other, now_ms)

    def escalate(self, name: str, customer: Customer, sign: str, now_ms: int) -> None:
        """L3: "at most once"."""
        if sign in customer.open and sign not in customer.graver:
            customer.graver.add(sign)
            customer.turns[sign] += 1
            self._say(name, customer, sign, "escalated", None, now_ms)

    def end(self, name: str, customer: Customer, signs: Iterable[str], how: str, now_ms: int) -> None:
        """L4."""
        wanted = set(signs)
        for sign in SIGNS:
            if sign in wanted and sign in customer.open:
                takes_back = how in ("returned", "recovered") and now_ms <= customer.open[sign]
                if sign == "silent" and not takes_back:
                    self._count(name, customer, how, now_ms)
                del customer.open[sign]
                customer.graver.discard(sign)
                customer.turns[sign] += 1
                self._say(name, customer, sign, "resolved", "retracted" if takes_back else how, now_ms)

    def _count(self, name: str, customer: Customer, how: str, now_ms: int) -> None:
        """D6: "on the day of the purchase, or on that of A when it was judged; in the segment of that day (S4)"."""
        day = day_of(now_ms if how == "returned" else int(self.clock_ms), self.rules.zone)
        segment = segment_at(customer, end_of(day - DAY, self.rules.zone) // 1000 - 1)
        for measure in measures_of(name, customer, customer.open["silent"], how, self.rules):
            self.ended.append((day, segment, measure))

    def grant(self, name: str, customer: Customer, asks: Asks, now_ms: int) -> None:
        """L4: "what recovers; what opens; what escalates; each in the order of the signs"."""
        self.end(name, customer, asks.ends, "recovered", now_ms)
        for sign in SIGNS:
            if sign in asks.opens:
                self.open(name, customer, sign, asks.opens[sign], now_ms)
        for sign in SIGNS:
            if sign in asks.graver:
                self.escalate(name, customer, sign, now_ms)

    def mute(self, name: str, customer: Customer, event: Event, now_ms: int) -> None:
        """L6, by the sign's name."""
        if event.get("sign") in SIGNS:
            customer.muted.add(event["sign"])
            until = event.get("until")
            customer.muted_until = float("inf") if until is None else second(ms(until))
            self.end(name, customer, [event["sign"]], "muted", now_ms)

    def _say(self, name: str, customer: Customer, sign: str, status: str, resolution: str | None, time_ms: int) -> None:
        self.said.append({
            "customer_id": name,
            "sign": sign,
            "status": status,
            "resolution": resolution,
            "event_time_ms": time_ms,  # L: "instants of alerts are whole seconds"
            "episode_day": customer.episodes[sign].isoformat(),
            "n": customer.turns[sign],
        })  # fmt: skip

    # -------------------------------------------------------- `silent`

    def purchase(self, name: str, customer: Customer, day: date, time_ms: int) -> bool:
        """A2, A5. Say whether a silence begins with it."""
        days = customer.purchase_days
        if days and day < days[-1]:
            return False  # "the gap statistics stay as they are"
        if days and day == days[-1]:
            customer.instant_ms = max(customer.instant_ms, time_ms)  # "the later of the two times"
        else:
            days.append(day)  # "the first begins the history"; "d becomes the last purchase day"
            customer.instant_ms = time_ms
            self.end(name, customer, ["silent"], "returned", second(time_ms))
        return customer.episodes.get("silent") != day  # A6: "an id opens once"

    def silent_days(self, customer: Customer) -> int | None:
        """A3: s*, "the smallest whole number of days s ≥ 1, at most 730, with 1 − S(s) ≥ overdue and P ≥ theta"."""
        rules, days = self.rules, customer.purchase_days
        if len(days) < rules.min_purchase_days:
            return None
        p, loc, scale = rules.model.of(days, faded([*customer.story.spent, (days[-1], 0.0)], 28))
        times = rules.model.segment_odds.get(segment_at(customer, customer.instant_ms // 1000), 1)
        for s in range(1, 731):
            overdue = 1 - survival(s, loc, scale) >= rules.overdue
            if overdue and p_none(s, rules.horizon_days, p, loc, scale, times) >= rules.theta:
                return s
        return None

    # -------------------------------------------------------- what is due

    def _dues(self, customer: Customer) -> list[int]:
        found = [self._judged_at(customer, sign) for sign in customer.open]
        if customer.silent_days is not None:
            found.append(self._silent_at(customer))
        return found + self.rules.signs.dues(customer.story, self.outages.after)

    def _judged_at(self, customer: Customer, sign: str) -> int:
        return self.outages.after(customer.open[sign], self.horizon_ms(sign))

    def _silent_at(self, customer: Customer) -> int:
        assert customer.silent_days is not None
        return self.outages.after(second(customer.instant_ms), customer.silent_days * DAY_MS)

    def await_next(self, name: str, customer: Customer) -> None:
        """Put the customer on the heap under what is due next."""
        customer.due_ms = min(self._dues(customer), default=None)
        if customer.due_ms is not None:
            heapq.heappush(self.dues, (customer.due_ms, name))

    def fire(self, customers: dict[str, Customer], clock_ms: float) -> None:
        """T5: "alerts, in the order (due instant, customer id)"."""
        while self.dues and self.dues[0][0] <= clock_ms:
            due_ms, name = heapq.heappop(self.dues)
            customer = customers.get(name)
            if customer is None or customer.due_ms != due_ms:
                continue  # another due has taken its place
            customer.due_ms = None
            self.clock_ms = max(self.clock_ms, due_ms)
            for sign in SIGNS:
                if sign in customer.open and self._judged_at(customer, sign) <= due_ms:
                    how = "returned" if self._stays(customer, sign, due_ms) else "churned"
                    self.end(name, customer, [sign], how, due_ms)
            if customer.silent_days is not None and self._silent_at(customer) <= due_ms:
                customer.silent_days = None  # A4: "without consent nothing happens until the next purchase"
                self.open(name, customer, "silent", customer.purchase_days[-1], due_ms)
            looks = self.rules.signs.look(customer.story, due_ms, customer.active, self.outages.after)
            for sign, episode in looks:
                self.open(name, customer, sign, episode, due_ms)
            self.await_next(name, customer)
        self.clock_ms = max(self.clock_ms, clock_ms)

    def _stays(self, customer: Customer, sign: str, now_ms: int) -> bool:
        """L5."""
        if sign == "payment_failed":
            return False
        days = customer.active
        if sign in BY_PURCHASE:
            days = customer.purchase_days
        elif sign in BY_ENGAGEMENT:
            days = customer.story.engaged
        zone = self.rules.zone
        if days and days[-1] > day_of(customer.open[sign], zone):
            return True
        # "for `cancelling` a live subscription too": live now
        lives = Customer(subscriptions={
            name: [event for event in known if event[0] // 1000 <= now_ms // 1000]
            for name, known in customer.subscriptions.items()
        })  # fmt: skip
        return sign == "cancelling" and is_customer(lives, day_of(now_ms, zone), 0, zone)
