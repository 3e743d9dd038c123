"""What is known of a customer's silence at the end of a day (A7). Knows nothing of how purchases were kept."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.recounting.customer import segment_at
from tests.recounting.days import day_of, end_of
from tests.recounting.gaps import p_none, survival
from tests.recounting.rules import Rules
from tests.recounting.signs import faded


def scores_of(shard: Any, day: date) -> dict[str, tuple[int, float, float]]:
    """Days silent, P(none in the horizon) and p_alive of every customer with a purchase."""
    rules: Rules = shard.rules
    histories: dict[str, list[date]] = {}
    latest: dict[str, int] = {}
    for name, time_ms in shard.purchases:
        if time_ms < end_of(day, rules.zone):
            days = histories.setdefault(name, [])
            if not days or day_of(time_ms, rules.zone) > days[-1]:
                days.append(day_of(time_ms, rules.zone))
                latest[name] = time_ms
            elif day_of(time_ms, rules.zone) == days[-1]:
                latest[name] = max(latest[name], time_ms)
    spent: dict[str, list[tuple[date, int]]] = {}
    for name, time_ms, amount in shard.orders:
        if time_ms < end_of(day, rules.zone):
            of = spent.setdefault(name, [])
            if not of or day_of(time_ms, rules.zone) >= of[-1][0]:
                of.append((day_of(time_ms, rules.zone), amount))
    scores: dict[str, tuple[int, float, float]] = {}
    for name, days in histories.items():
        p, loc, scale = rules.model.of(days, faded([*spent.get(name, []), (days[-1], 0.0)], 28))
        s = (day - days[-1]).days
        alive = (1 - p) * survival(s, loc, scale)
        times = rules.model.segment_odds.get(segment_at(shard.customers[name], latest[name] // 1000), 1)
        scores[name] = (s, p_none(s, rules.horizon_days, p, loc, scale, times), alive / (p + alive))
    return scores
