"""Who a simulated customer is: habits, troubles, and whether and why they leave. Drawn once, from seed and number.

Owns: the plan of a life, which is the truth that `lapse evaluate --simulated` holds the alerts against. Knows nothing
of events: how a shopper or a subscriber lives it is told beside this.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

SHOPPER, SUBSCRIBER, READER = "shopper", "subscriber", "reader"
_KINDS = (SHOPPER, SUBSCRIBER, READER)
_KIND_WEIGHTS = (0.5, 0.3, 0.2)
SEGMENTS = {SHOPPER: ("town", "country"), SUBSCRIBER: ("business",), READER: ("reader",)}
VARIANTS = ("control", "new_checkout")

KNOWN_BEFORE = 0.6  # share of customers who are there when the simulation begins
MEAN_LIFE_DAYS = 420
PAUSE = "pause"  # away for a while, no trouble at all

# why people leave or think of it: how many of a hundred leavers, per kind
REASONS = {
    SHOPPER: {"fading": 25, "price": 20, "service": 12, "experience": 8, "quality": 10, "without a word": 25},
    SUBSCRIBER: {"fading": 22, "price": 20, "service": 12, "experience": 8, "quality": 8, "payment": 18,
                 "without a word": 12},
    READER: {"fading": 45, "service": 8, "experience": 17, "quality": 10, "without a word": 20},
}  # fmt: skip
NOT_ACTIVATED = "not activated"
NOT_ACTIVATED_SHARE = 0.15  # of newcomers with a trial
# how long it is to be seen before they go, or before it passes
_LASTS = {"fading": (60, 110), "price": (50, 90), "service": (20, 45), "experience": (20, 45), "quality": (70, 130),
          "payment": (31, 40), "without a word": (0, 0)}  # fmt: skip
SCARE_EVERY_DAYS = 500  # a trouble that passes, on average; most pauses are no trouble
PAUSE_EVERY_DAYS = 240


@dataclass(frozen=True, slots=True)
class Trouble:
    """From day `since` to day `until` something is wrong, for `reason`; or they are away (`PAUSE`)."""

    reason: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Person:
    """The plan of one customer; days count from the first of the simulation."""

    number: int
    customer_id: str
    kind: str
    segment: str
    variant: str
    came: int  # first day
    known_before: bool
    left: int | None  # the last day, None: stays to the end
    reason: str | None
    troubles: tuple[Trouble, ...]
    pace_days: float  # days between visits, typically
    spread: float  # of the logarithm of that
    basket: float  # of money
    tracking: bool
    marketing: bool
    contacted: bool  # whether anybody writes to them

    def trouble(self, day: int) -> Trouble | None:
        """What is wrong on a day, if anything."""
        for one in self.troubles:
            if one.since <= day <= one.until:
                return one
        return None

    def in_trouble(self, day: int, reason: str) -> bool:
        """Whether just this is wrong on a day."""
        found = self.trouble(day)
        return found is not None and found.reason == reason

    def here(self, day: int) -> bool:
        """Whether they are still a customer at heart."""
        return day >= self.came and (self.left is None or day <= self.left)

    def away(self, day: int) -> bool:
        """Whether they pause."""
        return self.in_trouble(day, PAUSE)


def customer_id(number: int) -> str:
    """The id of customer `number`.

    >>> customer_id(17)
    'c000017'
    """
    return f"c{number:06}"


def random_of(seed: int, number: int, purpose: str) -> Random:
    """Chance of its own for each customer and purpose: what one does changes nothing for another."""
    return Random(f"lapse:{seed}:{number}:{purpose}")


def person(seed: int, number: int, customers: int, days: int) -> Person:
    """Draw customer `number` of `customers` for a simulation of `days` days."""
    rng = random_of(seed, number, "plan")
    kind = rng.choices(_KINDS, _KIND_WEIGHTS)[0]
    settled = round(customers * KNOWN_BEFORE)
    known_before = number < settled
    came = 0 if known_before else int((number - settled) / max(customers - settled, 1) * days * 0.97)
    variant = VARIANTS[rng.random() < 0.5]
    left, reason = _leaving(rng, kind, came, days, known_before=known_before, kinder=variant == "new_checkout")
    pace = {SHOPPER: rng.lognormvariate(2.1, 0.6), SUBSCRIBER: rng.lognormvariate(0.8, 0.4)}.get(
        kind, rng.lognormvariate(1.0, 0.5)
    )
    return Person(
        number=number,
        customer_id=customer_id(number),
        kind=kind,
        segment=rng.choice(SEGMENTS[kind]),
        variant=variant,
        came=came,
        known_before=known_before,
        left=left,
        reason=reason,
        troubles=_troubles(rng, kind, came, left, reason, days),
        pace_days=pace,
        spread=rng.uniform(0.25, 0.6),
        basket=rng.lognormvariate(3.6, 0.7),
        tracking=rng.random() < 0.93,
        marketing=rng.random() < 0.6,
        contacted=rng.random() < 0.85,
    )


def _leaving(
    rng: Random, kind: str, came: int, days: int, *, known_before: bool, kinder: bool
) -> tuple[int | None, str | None]:
    """When and why they go; a small experiment makes some of them stay longer."""
    if kind == SUBSCRIBER and not known_before and rng.random() < NOT_ACTIVATED_SHARE:
        return min(came + 14, days - 1), NOT_ACTIVATED
    after = rng.expovariate(1 / (MEAN_LIFE_DAYS * (1.25 if kinder else 1.0)))
    reasons = REASONS[kind]
    reason = rng.choices(list(reasons), list(reasons.values()))[0]
    left = came + int(after) + (10 if reason == "without a word" else _LASTS[reason][1] + 20)
    return (left, reason) if left < days else (None, None)


def _troubles(
    rng: Random, kind: str, came: int, left: int | None, reason: str | None, days: int
) -> tuple[Trouble, ...]:
    """The trouble they leave for, and before it some that pass."""
    found: list[Trouble] = []
    end = days if left is None else left
    if left is not None and reason in _LASTS and reason != "without a word":
        end = left - rng.randint(*_LASTS[reason])
        found.append(Trouble(reason, end, left))
    day = came + 60 + int(rng.expovariate(1 / PAUSE_EVERY_DAYS))
    while day < end - 60:
        if rng.random() < PAUSE_EVERY_DAYS / (PAUSE_EVERY_DAYS + SCARE_EVERY_DAYS):
            passing = rng.choice([one for one in REASONS[kind] if one != "without a word"])
            until = day + rng.randint(*_LASTS[passing])
        else:
            passing, until = PAUSE, day + rng.randint(10, 35)
        if until < end - 30:
            found.append(Trouble(passing, day, until))
        day = until + 45 + int(rng.expovariate(1 / PAUSE_EVERY_DAYS))
    return tuple(sorted(found, key=lambda one: one.since))
