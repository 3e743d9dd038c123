"""Use of a product or of content: sessions day by day, in the rhythm of the week, fading when they lose interest.

Owns: the events of use, and a reader's life, which is nothing else.
"""

from __future__ import annotations

from stream.tools.simulate.life import READING_WEEK, Life
from stream.tools.simulate.pages import pages
from stream.tools.simulate.person import NOT_ACTIVATED, SUBSCRIBER, Person

FEATURES = ("export", "search", "report", "share", "import")
ARTICLES = 400
FADED = 0.15  # what is left of the use at the end of fading


def use(who: Person, life: Life, week: tuple[float, ...], end: int) -> list[int]:
    """Sessions with features or content, day by day, the last one on day `end`; gives the days."""
    rng = life.rng
    usual = 1 / (1 + who.pace_days / 2)
    days: list[int] = []
    for day in range(who.came, min(end, life.days - 1) + 1):
        if who.away(day):
            continue
        chance = usual * week[life.year.weekday(day)] * _eagerness(who, day)
        if who.reason == NOT_ACTIVATED:
            chance = 1.0 if day == who.came else 0.0
        if rng.random() < chance:
            days.append(day)
            _session(who, life, day)
    return days


def _eagerness(who: Person, day: int) -> float:
    found = who.trouble(day)
    if found is None or found.reason != "fading":
        return 1.0
    return 1.0 + (FADED - 1.0) * min(1.0, 2 * (day - found.since) / max(found.until - found.since, 1))


def _session(who: Person, life: Life, day: int) -> None:
    rng, work = life.rng, who.kind == SUBSCRIBER
    now = life.moment(day, 8, 19) if work else life.moment(day)
    things = 1 if who.reason == NOT_ACTIVATED else 1 + int(rng.expovariate(0.6))  # they have looked, and no more
    life.tell(now, "session", duration_s=30 + 120 * things, pages=1 + things, channel=rng.choice(("app", "web")))
    now = pages(who, life, now, 1)
    for _ in range(things):
        now += 20 + int(rng.expovariate(1 / 90))
        if work:
            life.tell(now, "feature_used", name=rng.choice(FEATURES))
        else:
            life.tell(now, "content_viewed", name=f"article-{rng.randrange(ARTICLES)}")
            if rng.random() < 0.04:
                life.tell(now + 5, "content_shared", name="article")


def read(who: Person, life: Life) -> list[int]:
    """A reader's life: use alone, in the evenings and at the week's end; gives its days."""
    days = use(who, life, READING_WEEK, life.days if who.left is None else who.left)
    fading(who, life, days)
    return days


def fading(who: Person, life: Life, days: list[int]) -> None:
    """Note when they lost interest."""
    for one in who.troubles:
        if one.reason == "fading" and who.tracking and days and one.since <= days[-1]:
            life.show("engaging_less", one.since, one.until + 45)
