"""`lapse simulate`: customers of every event kind, and beside them the truth: who left, when, why, and what was to see.

Owns: the files that come out. The same seed gives the same bytes: every customer is drawn from seed and number alone.
`FILE` has the events in order of time, ended by `clock_advanced`; `FILE.truth.jsonl` first what was simulated, then a
line a customer (`Truth`) and a line a scenario (`scenarios.Judged`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import msgspec

from stream.core.calendar import day_of
from stream.policies import load
from stream.tools.datasets import last_event
from stream.tools.simulate import care, shopper, subscriber, use
from stream.tools.simulate.life import SOURCE, Almanac, Life
from stream.tools.simulate.pages import truth as bad_pages
from stream.tools.simulate.person import SHOPPER, SUBSCRIBER, Person, customer_id, person, random_of
from stream.tools.simulate.scenarios import lives, told
from stream.tools.simulate.spill import Spill

FIRST_DAY = date(2024, 1, 1)
FEWEST_DAYS, MOST_CUSTOMERS = 30, 10_000_000
BROUGHT_ALONG = 0.12  # share of newcomers whom a customer brought
_LIVES = {SHOPPER: shopper.live, SUBSCRIBER: subscriber.live}


class Simulated(msgspec.Struct, frozen=True, tag="simulation", tag_field="truth"):
    """What was simulated."""

    customers: int
    scenarios: int
    first_day: date
    last_day: date
    seed: int


class Shown(msgspec.Struct, frozen=True):
    """A sign that was to be seen from a day until a day."""

    sign: str
    since: date
    until: date


class Truth(msgspec.Struct, frozen=True, tag="customer", tag_field="truth"):
    """One customer: when they came, whether, when and why they left, and which signs were to be seen of them."""

    customer_id: str
    kind: str
    variant: str
    came: date
    left: date | None
    reason: str | None
    signs: list[Shown]


class Summary(msgspec.Struct):
    """What came out."""

    events: int
    customers: int
    left: int
    scenarios: int


def truth_of(out: Path) -> Path:
    """The file of the truth that belongs to a file of events."""
    return out.with_name(f"{out.name}.truth.jsonl")


def write(
    customers: int, days: int, seed: int, out: Path, say: Callable[[int, str], None] = lambda _, __: None
) -> Summary:
    """Simulate; both files are there only when they are whole.

    `say` is told how many steps were taken since the last call (a customer is one, a day is one) and a word on where
    it is. Raises OSError.
    """
    year = Almanac.of(FIRST_DAY, days)
    encode = msgspec.json.Encoder().encode
    part, truth_part = out.with_name(f"{out.name}.part"), truth_of(out).with_name(f"{truth_of(out).name}.part")
    summary = Summary(0, customers, 0, 0)
    try:
        with tempfile.TemporaryDirectory(prefix=".simulate-", dir=out.absolute().parent) as spilled:
            spill = Spill(Path(spilled))
            scripted = lives(year)
            last = year.date(days - 1)
            with truth_part.open("wb") as truths:
                truths.write(encode(Simulated(customers, len(scripted), FIRST_DAY, last, seed)) + b"\n")
                for number in range(customers):
                    found = _one(seed, number, customers, year, spill)
                    summary.left += found.left is not None
                    truths.write(encode(found) + b"\n")
                    say(1, f"customer {number + 1:,}")
                for n, (scenario, life) in enumerate(scripted):
                    spill.add(customers + n, life.written)
                    truths.write(encode(told(scenario, year)) + b"\n")
            summary.scenarios = len(scripted)
            with part.open("wb") as file:
                for day, lines in spill.lines():
                    file.writelines(lines)
                    summary.events += len(lines)
                    say(1, year.texts[day])
                file.write(encode(last_event(SOURCE, load("default"), day_of(last))) + b"\n")
        part.replace(out)
        truth_part.replace(truth_of(out))
    finally:
        part.unlink(missing_ok=True)
        truth_part.unlink(missing_ok=True)
    summary.events += 1
    return summary


def _one(seed: int, number: int, customers: int, year: Almanac, spill: Spill) -> Truth:
    """One customer's whole life."""
    who = person(seed, number, customers, year.days)
    life = Life(who.customer_id, year, random_of(seed, number, "life"), common={"variant": who.variant})
    there = _LIVES.get(who.kind, use.read)(who, life)
    care.everything(who, life, there)
    care.friend(who, life, _brought_by(who, seed, customers, year.days), who.came)
    bad_pages(who, life, there)
    spill.add(number, life.written)
    shown = [Shown(one.sign, year.date(one.since), year.date(one.until)) for one in life.symptoms]
    left = None if who.left is None else FIRST_DAY + timedelta(who.left)
    return Truth(who.customer_id, who.kind, who.variant, year.date(who.came), left, who.reason, shown)


def _brought_by(who: Person, seed: int, customers: int, days: int) -> str | None:
    """A customer who was there when a newcomer came, for some newcomers."""
    rng = random_of(seed, who.number, "friend")
    if who.known_before or rng.random() >= BROUGHT_ALONG:
        return None
    for _ in range(3):
        friend = person(seed, rng.randrange(who.number), customers, days)
        if friend.here(who.came):
            return customer_id(friend.number)
    return None
