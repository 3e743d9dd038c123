"""A shopper's life: visits with a rhythm, carts, orders, points, refunds, and what changes when something is wrong.

Owns: the events of buying, and which signs ought to tell of a shopper's troubles. Knows nothing of surveys, tickets and
campaigns, which everybody has (`care`).
"""

from __future__ import annotations

import math

from stream.tools.simulate.life import DAY_S, SHOPPING_WEEK, Life, cents
from stream.tools.simulate.pages import pages
from stream.tools.simulate.person import Person

CATEGORIES = ("dairy", "bread", "produce", "meat", "household", "wine", "books", "garden")
MARGIN = 0.35
PRICE_CUT = 0.3  # what is left of the basket of somebody who buys the rest elsewhere
FADED = 3.0  # how many times longer the gaps are at the end of fading
FEWEST_PURCHASES = 4  # before the sign `silent` may speak
USUAL_PURCHASES = 8  # before anybody knows what is usual for them
SILENT_FOR_DAYS = 120  # so long after they left, an alert that says so is right


def live(who: Person, life: Life) -> list[int]:
    """All visits from first to last; gives the days on which they bought."""
    rng = life.rng
    day = who.came + (int(rng.uniform(0, who.pace_days)) if who.known_before else 0)
    bought: list[int] = []
    left_on: list[int] = []  # the days of carts that were left
    member = rng.random() < 0.4
    if member:
        life.tell(life.moment(day) + 7200, "programme_joined", programme="club", tier=rng.choice(("silver", "gold")))
    while day < life.days and who.here(day):
        if not who.away(day):
            _visit(who, life, day, bought, left_on, member=member)
        gap = rng.lognormvariate(math.log(who.pace_days), who.spread) / life.year.season(day) * _stretch(who, day)
        day = life.on_weekday_like(day + max(1, round(gap)), SHOPPING_WEEK)
    if member and who.left is not None and rng.random() < 0.3:
        life.tell(life.moment(who.left), "programme_left", programme="club")
    _truth(who, life, bought, left_on)
    return bought


def _stretch(who: Person, day: int) -> float:
    found = who.trouble(day)
    if found is None or found.reason != "fading":
        return 1.0
    return 1.4 + (FADED - 1.4) * (day - found.since) / max(found.until - found.since, 1)


def _visit(who: Person, life: Life, day: int, bought: list[int], left_on: list[int], *, member: bool) -> None:
    rng = life.rng
    now = life.moment(day)
    dear = who.in_trouble(day, "price")
    channel = rng.choice(("app", "web", "web"))
    viewed = 2 + int(rng.expovariate(0.4))
    life.tell(now, "session", duration_s=60 + 40 * viewed, pages=viewed, channel=channel)
    now = pages(who, life, now, 1 + viewed // 3)
    if rng.random() < 0.2:
        life.tell(now, "content_viewed", name=rng.choice(("recipes", "how-to", "wine guide")))
        if rng.random() < 0.15:
            life.tell(now + 30, "content_shared", name="recipes")
    lines = 1 + int(rng.expovariate(0.25))
    amount = who.basket * rng.lognormvariate(0, 0.25) * (PRICE_CUT if dear else 1.0)
    if rng.random() < 0.5:
        life.tell(now + 20, "cart_updated", amount=cents(amount), currency="USD", items=lines)
    if rng.random() < (0.6 if dear else 0.04):
        life.tell(now + 1800, "cart_abandoned", amount=cents(amount), currency="USD", items=lines)
        left_on.append(day)
        if not dear or rng.random() < 0.5:
            return
    _order(who, life, now + 240, amount, lines, member=member)
    if not bought or bought[-1] != day:
        bought.append(day)


def _order(who: Person, life: Life, now: int, amount: float, lines: int, *, member: bool) -> None:
    rng = life.rng
    discounted = rng.random() < 0.25
    order_id = f"{who.customer_id}-o{len(life.written)}"
    more: dict[str, object] = {"discount": cents(amount * 0.1), "coupon": "SPRING"} if discounted else {}
    paid = amount * (0.9 if discounted else 1.0)
    life.tell(
        now,
        "order_completed",
        order_id=order_id,
        amount=cents(paid),
        currency="USD",
        items=lines,
        categories=sorted({rng.choice(CATEGORIES) for _ in range(min(lines, 4))}),
        cost=cents(amount * (1 - MARGIN)),
        **more,
    )
    life.tell(now + 60, "service_cost", amount=cents(1.5 + rng.expovariate(1)), currency="USD", category="delivery")
    if member:
        life.tell(now + 1, "reward_earned", points=int(paid) + 1, reason="purchase")
        if rng.random() < 0.06:
            life.tell(now + 2, "reward_redeemed", points=200, amount=2.0, currency="USD")
    if rng.random() < (0.35 if who.in_trouble(now // DAY_S, "quality") else 0.02):
        back = now + int(rng.uniform(1, 4) * DAY_S)
        life.tell(back, "order_refunded", order_id=order_id, amount=cents(paid * rng.uniform(0.3, 1)), currency="USD",
                  reason=rng.choice(("damaged", "late", "not as described")))  # fmt: skip


def _truth(who: Person, life: Life, bought: list[int], left_on: list[int]) -> None:
    """Which signs were to be seen: of whom may be watched, who came often enough before and during it."""
    if not who.tracking:
        return
    for one in who.troubles:
        usual = sum(day < one.since for day in bought) >= USUAL_PURCHASES
        visits = sum(one.since <= day <= one.until for day in bought)
        left = sum(one.since <= day <= one.until for day in left_on)
        if one.reason == "fading" and usual and visits >= 3:
            life.show("buying_less_often", one.since, one.until + 60)
        if one.reason == "price" and usual and visits >= 3:
            life.show("spending_less", one.since, one.until + 30)
        if one.reason == "price" and left >= 3:
            life.show("abandoning", one.since, one.until + 14)
    if who.left is not None and len(bought) >= FEWEST_PURCHASES:
        life.show("silent", bought[-1] + 1, bought[-1] + SILENT_FOR_DAYS)
