"""The value at risk of many customers at once is that of each, alert by alert."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stream.core import alerts
from stream.core.calendar import DAY_MS, calendar
from stream.core.life import is_acceptable
from stream.core.policy import Policy
from stream.core.retention import segment_at
from stream.core.risk import value_at_risk
from stream.core.row import MORE, ROW, SUBSCRIPTION_EVENTS, SUBSCRIPTIONS
from stream.core.signs import Sign

NOW_MS = 1_700_000_000_000
CUSTOMERS = 400
POLICY = replace(Policy("test"), segments=("other", "gold", "silver"), active_days=(90, 90, 90))


class Table:
    """The two arrays of a CustomerTable, filled at random."""

    def __init__(self, seed: int) -> None:
        draw = np.random.default_rng(seed)
        now_s, day = NOW_MS // 1000, calendar(POLICY.zone).day(NOW_MS)
        self.n = CUSTOMERS
        self.rows, self.more = np.zeros(CUSTOMERS, ROW), np.zeros(CUSTOMERS, MORE)
        rows, more = self.rows, self.more
        rows["more"] = np.arange(CUSTOMERS)
        rows["open"] = (1 << draw.integers(0, len(Sign), CUSTOMERS)) & draw.integers(0, 1 << len(Sign), CUSTOMERS)
        rows["escalated"] = rows["open"] & draw.integers(0, 1 << len(Sign), CUSTOMERS)
        rows["first_s"] = now_s - draw.integers(0, 900 * DAY_MS // 1000, CUSTOMERS)
        rows["revenue"] = 10 ** draw.integers(2, 7, CUSTOMERS)
        rows["segments_n"] = draw.integers(0, 5, CUSTOMERS)
        rows["segment"] = draw.integers(0, 3, rows["segment"].shape)
        rows["segment_s"] = np.sort(now_s + draw.integers(-9_000, 9_000, rows["segment_s"].shape), axis=1)
        more["refunded"] = draw.integers(0, 600, CUSTOMERS)
        more["cost_to_serve"] = draw.integers(0, 2_000, CUSTOMERS)
        more["margin"] = np.where(draw.random(CUSTOMERS) < 0.5, 0, draw.integers(1, 10_001, CUSTOMERS))
        more["subscription_n"] = draw.integers(0, SUBSCRIPTION_EVENTS + 1, (CUSTOMERS, SUBSCRIPTIONS))
        more["subscription_until"] = day + draw.integers(-9, 9, more["subscription_until"].shape)
        more["mrr"] = draw.integers(0, 200, (CUSTOMERS, SUBSCRIPTIONS))


def gravest(row: Any, more: Any, segment: str, value: int) -> int:
    if is_acceptable(row, more, POLICY.acceptable.cost_share, POLICY.value.margin):
        return 0
    levels = [0]
    for sign in Sign:
        if int(row["open"]) >> sign & 1:
            chance = POLICY.silent.theta if sign is Sign.silent else POLICY.signs[sign].chance_in(segment)
            graver = bool(int(row["escalated"]) >> sign & 1)
            levels.append(alerts.SEVERITIES.index(alerts.severity(chance * value, POLICY, graver=graver)))
    return max(levels)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_sum_of_what_each_alert_says(seed: int) -> None:
    table: Any = Table(seed)
    now_s, day = NOW_MS // 1000, calendar(POLICY.zone).day(NOW_MS)
    expected = np.zeros((3, len(alerts.SEVERITIES)), np.int64)
    records = zip(table.rows.view(np.recarray), table.more.view(np.recarray), strict=True)
    for row, more in records:
        if row["open"]:
            code = int(segment_at(row, now_s))
            value = alerts.value_at_risk(row, more, day, now_s, POLICY)
            expected[code, gravest(row, more, POLICY.segments[code], value)] += value
    found = value_at_risk(table, POLICY, NOW_MS)
    assert found.tolist() == expected.tolist()
    assert (found > 0).all()


def test_nobody_with_an_alert_is_nothing_at_risk() -> None:
    table: Any = Table(0)
    table.rows["open"] = 0
    assert not value_at_risk(table, POLICY, NOW_MS).any()
