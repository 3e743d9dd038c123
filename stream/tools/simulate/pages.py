"""Pages as they load for a customer, fast as a rule, and slow or broken in times of bad experience.

Owns: `page_performance`, and the truth of `poor_experience`.
"""

from __future__ import annotations

from stream.tools.simulate.life import DAY_S, Life
from stream.tools.simulate.person import Person

USUAL_MS = {"desktop": 700, "mobile": 1100}
SLOWER = 6
BROKEN_SHARE = 0.2


def pages(who: Person, life: Life, now: int, count: int) -> int:
    """Some pages load, from `now` on; gives the second at which the last one is there."""
    rng = life.rng
    bad = who.in_trouble(now // DAY_S, "experience")
    device = "mobile" if rng.random() < 0.6 else "desktop"
    for _ in range(count):
        load_ms = int(USUAL_MS[device] * rng.lognormvariate(0, 0.35) * (SLOWER if bad else 1))
        ok = not (bad and rng.random() < BROKEN_SHARE)
        gone = load_ms > 3000 and rng.random() < 0.3
        life.tell(now, "page_performance", load_ms=load_ms, ok=ok, device=device, abandoned=gone)
        now += 15 + int(rng.expovariate(1 / 30))
    return now


def truth(who: Person, life: Life, seen: list[int]) -> None:
    """Note each time of bad experience in which they came at all; `seen` are the days on which pages loaded."""
    for one in who.troubles:
        if one.reason == "experience" and who.tracking and any(one.since <= day <= one.until for day in seen):
            life.show("poor_experience", one.since, one.until + 14)
