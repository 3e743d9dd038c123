"""Scripted customers: for every sign one who must raise it, from a day on, and one who must not.

Owns: the list of scenarios. Beside the drawn population they are what a sign is held against: each is clear to a person
who reads it, whatever the thresholds of a sensible policy. Days count from the first of the simulation; a scenario that
needs more days than there are is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import msgspec

from stream.tools.simulate.life import Almanac, Life
from stream.tools.simulate.scripts import (
    cart,
    charge,
    every_kind,
    nps,
    orders,
    pages,
    perform,
    profile,
    renewals,
    sessions,
    tickets,
    trial,
)

Script = Callable[[Life], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scripted customer: `sign` must open in since…until (and end as `resolution`), or, `fires` false, never."""

    name: str
    sign: str
    fires: bool
    says: str
    needs_days: int
    script: Script
    since: int = 0
    until: int = 0
    resolution: str | None = None
    tracking: bool = True

    @property
    def customer_id(self) -> str:
        """The customer of the scenario."""
        return f"s-{self.name}"


class Judged(msgspec.Struct, frozen=True, tag="scenario", tag_field="truth"):
    """A scenario as it stands in the file of the truth; days are dates, `until` the last on which it may open."""

    customer_id: str
    sign: str
    must: str  # fire | not_fire
    since: str
    until: str
    resolution: str | None
    says: str


def told(one: Scenario, year: Almanac) -> Judged:
    """The scenario as the file of the truth has it."""
    last = one.until if one.fires else year.days - 1
    must = "fire" if one.fires else "not_fire"
    return Judged(one.customer_id, one.sign, must, str(year.date(one.since)), str(year.date(last)), one.resolution,
                  one.says)  # fmt: skip


def lives(year: Almanac) -> list[tuple[Scenario, Life]]:
    """Every scenario that fits the days, lived."""
    found = []
    for one in SCENARIOS:
        if one.needs_days <= year.days:
            life = Life(one.customer_id, year, Random(one.name))
            profile(life, tracking=one.tracking)
            one.script(life)
            found.append((one, life))
    return found


def both(*scripts: Script) -> Script:
    """One script after the other."""

    def script(life: Life) -> None:
        for one in scripts:
            one(life)

    return script


def _fires(sign: str, case: str, says: str, needs: int, since: int, until: int, script: Script,
           resolution: str | None = None) -> Scenario:  # fmt: skip
    return Scenario(f"{sign}-fires-{case}", sign, True, says, needs, script, since, until, resolution)


def _quiet(sign: str, case: str, says: str, needs: int, script: Script, *, tracking: bool = True) -> Scenario:
    return Scenario(f"{sign}-quiet-{case}", sign, False, says, needs, script, tracking=tracking)


WEEKLY = tuple(range(0, 176, 7))  # 26 Saturdays, or whichever day it is
END = 800  # beyond any simulation: who must stay quiet goes on to its end
PAUSED = (*range(0, 232, 21), *range(231 + 23, END, 21))
_DAILY = [day for day in range(140) if day % 7 < 5]
SCENARIOS: tuple[Scenario, ...] = (
    _fires("silent", "stops", "a weekly shopper comes no more", 240, 183, 235, orders(WEEKLY)),
    _fires("silent", "returns", "a weekly shopper stays away for seven weeks and comes back", 260, 183, 223,
           orders((*WEEKLY, 224, 231, 238)), "returned"),
    _quiet("silent", "usual-pause", "comes every three weeks, once after 23 days", 260,
           orders(PAUSED)),
    _quiet("silent", "no-consent", "comes no more, and does not allow to be watched", 240, orders(WEEKLY),
           tracking=False),
    _quiet("silent", "newcomer", "came three times: too few to tell a silence from a pause", 120, orders((0, 7, 14))),
    _fires("buying_less_often", "stretches", "weekly for half a year, then every three to four weeks", 300, 190, 299,
           orders((*WEEKLY, 197, 222, 250, 278, 299))),
    _fires("buying_less_often", "recovers", "weekly, three times after over three weeks, then weekly", 300, 190, 251,
           orders((*WEEKLY, 197, 222, 250, *range(257, 300, 7))), "recovered"),
    _quiet("buying_less_often", "steady", "weekly, a day or two earlier or later", 240,
           orders(tuple(day + (0, 1, -1, 2, 0, -2, 1)[i % 7] for i, day in enumerate(range(7, END, 7))))),
    _fires("spending_less", "shrinks", "baskets of a hundred become baskets of fifteen, as often", 290, 196, 285,
           both(orders(WEEKLY), orders(range(182, 287, 7), amount=15.0))),
    _fires("spending_less", "recovers", "baskets of a hundred, eight of fifteen, then of two hundred", 290, 196, 238,
           both(orders(WEEKLY), orders(range(182, 238, 7), amount=15.0), orders(range(238, 287, 7), amount=200.0)),
           "recovered"),
    _quiet("spending_less", "one-small", "one small basket among many of a hundred", 240,
           both(orders(tuple(range(0, 140, 7))), orders((140,), amount=40.0), orders(range(147, END, 7)))),
    _fires("engaging_less", "fades", "used it on every working day, then once in twelve days", 260, 150, 255,
           both(sessions(_DAILY), sessions(range(150, 255, 12)))),
    _fires("engaging_less", "recovers", "used it on working days, then twice in a month, then daily", 260, 150, 168,
           both(sessions(_DAILY), sessions((150, 162)), sessions(range(168, 255))), "recovered"),
    _quiet("engaging_less", "four-of-five", "five days a week, then four", 240,
           both(sessions(_DAILY), sessions([day for day in range(140, END) if day % 7 < 4]))),
    _quiet("engaging_less", "no-consent", "uses it less, and does not allow to be watched", 260,
           both(sessions(_DAILY), sessions(range(150, 255, 12))), tracking=False),
    _fires("never_activated", "one-use", "a trial in which the product was used once", 75, 12, 70,
           both(trial(10), sessions([10], uses=1))),
    _fires("never_activated", "late", "one use in the two weeks of a trial, then daily", 75, 12, 30,
           both(trial(10), sessions([10], uses=1), sessions(range(26, 34))), "recovered"),
    _quiet("never_activated", "six-uses", "a trial in which it was used on each of the first six days", 75,
           both(trial(10), sessions(range(10, 16), uses=2))),
    _fires("cooling", "nine-seven", "gave 9, two months later 7: no detractor, and a sign", 100, 80, 94,
           nps((20, 9), (80, 7))),
    _fires("cooling", "warms-up", "gave 9, then 7, and 9 two weeks later", 100, 60, 74, nps((20, 9), (60, 7), (74, 9)),
           "recovered"),
    _quiet("cooling", "nine-eight", "gave 9, two months later 8", 100, nps((20, 9), (80, 8))),
    _quiet("cooling", "seven-nine", "gave 7, two months later 9", 100, nps((20, 7), (80, 9))),
    _fires("detractor", "four", "would not recommend it: NPS 4", 60, 30, 37, nps((30, 4))),
    _fires("detractor", "two-stars", "wrote a review of two stars", 60, 30, 37,
           perform((30, "review_posted", {"rating": 2}))),
    _fires("detractor", "csat-two", "rates their satisfaction 2 of 5", 60, 30, 37, nps((30, 2), survey="csat")),
    _fires("detractor", "won-over", "NPS 4, and 9 two weeks later", 60, 30, 37, nps((30, 4), (44, 9)), "recovered"),
    _quiet("detractor", "seven", "a passive is no detractor: NPS 7", 60, nps((30, 7))),
    _fires("complaint", "open", "a complaint that nobody answers for three weeks", 90, 31, 50,
           tickets((30, 500.0, None))),
    _fires("complaint", "repeated", "three complaints in ten days, each settled within six hours", 90, 34, 47,
           tickets((30, 2.0, 6.0), (35, 2.0, 6.0), (39, 2.0, 6.0))),
    _fires("complaint", "settled-late", "a complaint that is settled after ten days", 90, 31, 40,
           tickets((30, 200.0, 240.0)), "recovered"),
    _quiet("complaint", "in-time", "a complaint answered in one hour and settled in six", 90, tickets((30, 1.0, 6.0))),
    _fires("payment_failed", "dunning", "three charges fail within a week, the last for good", 120, 60, 68,
           both(renewals((0, 30)), charge((60, 1, False), (63, 2, False), (67, 3, True)))),
    _fires("payment_failed", "recovers", "a charge fails and goes through three days later", 120, 60, 63,
           both(renewals((0, 30, 63)), charge((60, 1, False), recovered_s=3 * 86_400)), "recovered"),
    _quiet("payment_failed", "at-once", "a charge fails and goes through ten minutes later", 120,
           both(renewals(range(0, END, 30)), charge((60, 1, False), recovered_s=600))),
    _fires("cancelling", "cancels", "cancels with two weeks to go", 120, 75, 82,
           both(renewals((0, 30, 60)), perform((75, "subscription_cancelled",
                {"subscription_id": "s", "reason": "price", "period_end": 90})))),
    _fires("cancelling", "auto-renew", "switches automatic renewal off", 120, 75, 82,
           both(renewals((0, 30, 60)), perform((75, "subscription_changed",
                {"subscription_id": "s", "auto_renew": False, "period_end": 90})))),
    _fires("cancelling", "plan-cut", "goes from the plan of 100 to that of 40", 120, 75, 82,
           both(renewals((0, 30, 60), mrr=100.0), perform((75, "subscription_changed",
                {"subscription_id": "s", "mrr": 40.0, "currency": "USD", "plan": "basic"})))),
    _fires("cancelling", "unsubscribes", "wants no more mail", 120, 75, 82,
           both(orders(range(0, 75, 7)), perform((75, "unsubscribed", {"channel": "email"})))),
    _fires("cancelling", "stays", "switches automatic renewal off, and on again five days later", 120, 75, 80,
           both(renewals((0, 30, 60)), perform(
               (75, "subscription_changed", {"subscription_id": "s", "auto_renew": False, "period_end": 90}),
               (80, "subscription_changed", {"subscription_id": "s", "auto_renew": True, "period_end": 90}))),
           "recovered"),
    _quiet("cancelling", "raises", "goes from the plan of 50 to that of 100 and renews", 120,
           both(renewals((0, 30, 60)), perform((75, "subscription_changed",
                {"subscription_id": "s", "mrr": 100.0, "currency": "USD", "plan": "team"})),
                renewals(range(90, END, 30), mrr=100.0))),
    _fires("poor_experience", "slow", "pages of under a second take six, one in four fails", 150, 91, 120,
           both(pages(range(0, 90, 3), 700), pages(range(91, 115, 2), 6500, broken=4))),
    _fires("poor_experience", "mended", "pages of under a second take six, then under one again", 150, 91, 105,
           both(pages(range(0, 90, 3), 700), pages(range(91, 101, 2), 6500), pages(range(101, 140), 700, count=12)),
           "recovered"),
    _quiet("poor_experience", "one-slow", "one slow page in months of fast ones", 150,
           both(pages(range(0, 90, 3), 700), pages((91,), 6500, count=1), pages(range(93, END, 3), 700))),
    _quiet("poor_experience", "no-consent", "slow pages, and does not allow to be watched", 150,
           both(pages(range(0, 90, 3), 700), pages(range(91, 115, 2), 6500, broken=4)), tracking=False),
    _fires("abandoning", "carts", "five carts left within two weeks, none bought", 180, 121, 145,
           both(orders(range(0, 119, 7)), cart(121, 124, 127, 130, 133))),
    _fires("abandoning", "buys-again", "three carts left within a week, and buys a week later", 220, 121, 145,
           both(orders(range(0, 119, 7)), cart(121, 124, 127), orders(range(134, 210, 7))), "recovered"),
    _quiet("abandoning", "buys-after", "one cart left, bought the next day", 180,
           both(orders(range(0, 119, 7)), cart(120), orders(range(121, END, 7)))),
    _fires("neglected", "for-months", "spends a lot, and nobody has written or called for half a year", 240, 60, 239,
           both(orders(range(0, 238, 7), amount=400.0), perform((14, "campaign_sent", {"campaign": "spring"})))),
    _fires("neglected", "written-to", "spends a lot, hears nothing for two months, then they write", 240, 60, 84,
           both(orders(range(0, 238, 7), amount=400.0), perform((14, "campaign_sent", {"campaign": "spring"}),
                (85, "campaign_sent", {"campaign": "again"}))), "recovered"),
    _quiet("neglected", "contacted", "spends a lot and hears from them every three weeks", 240,
           both(orders(range(0, END, 7), amount=400.0),
                perform(*((day, "campaign_sent", {"campaign": "news"}) for day in range(2, END, 21))))),
    _quiet("silent", "every-kind", "does everything there is, and stays", 120, every_kind),
)  # fmt: skip
