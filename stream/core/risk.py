"""What customers with open alerts may still bring, by segment and severity: a scan of their rows, all at once.

Owns: the value at risk of a whole partition. It is that of `core.alerts`, customer by customer, in columns; a customer
with several open alerts counts once, under the gravest of them. Knows nothing of metrics.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.core.alerts import MONTHS_A_DAY, SEVERITIES, SHORTEST_TENURE_DAYS
from stream.core.calendar import calendar
from stream.core.policy import Policy
from stream.core.row import SUBSCRIPTION_EVENTS, SUBSCRIPTIONS
from stream.core.signs import Sign
from stream.core.table import CustomerTable

DAY_S = 86_400

Rows = NDArray[np.void]


def value_at_risk(table: CustomerTable, policy: Policy, now_ms: int) -> NDArray[np.int64]:
    """Minor units by segment code and severity (in the order of SEVERITIES), at an instant.

    The chance of a silence is the one at which it becomes a sign, that of every other sign the policy's.
    """
    now_s = now_ms // 1000
    rows = table.rows[: table.n]
    rows = rows[rows["open"] != 0]
    more = table.more[rows["more"]]
    found = np.zeros((len(policy.segments), len(SEVERITIES)), np.int64)
    segment = _segments(rows, now_s)
    value = _values(rows, more, policy, calendar(policy.zone).day(now_ms), now_s)
    np.add.at(found, (segment, _levels(rows, more, policy, segment, value)), value)
    return found


def _segments(rows: Rows, now_s: int) -> NDArray[np.int64]:
    """The segment in force (definitions S3): of the changes up to now the last, else the first."""
    places = np.arange(1, rows["segment_s"].shape[1])
    past = (places < rows["segments_n"][:, None]) & (rows["segment_s"][:, 1:] <= now_s)
    last = np.logical_and.accumulate(past, axis=1).sum(axis=1)
    codes: NDArray[np.int64] = rows["segment"][np.arange(len(rows)), last].astype(np.int64)
    return np.where(rows["segments_n"] == 0, 0, codes)


def _margins(more: Rows, policy: Policy) -> NDArray[np.float64]:
    return np.where(more["margin"] != 0, (more["margin"].astype(np.float64) - 1) / 10_000, policy.value.margin)


def _net(rows: Rows, more: Rows) -> NDArray[np.int64]:
    net: NDArray[np.int64] = np.maximum(rows["revenue"] - more["refunded"], 0)
    return net


def _values(rows: Rows, more: Rows, policy: Policy, day: int, now_s: int) -> NDArray[np.int64]:
    tenure_days = np.maximum((now_s - rows["first_s"].astype(np.int64)) / DAY_S, SHORTEST_TENURE_DAYS)
    a_day = _net(rows, more) / tenure_days
    for k in range(SUBSCRIPTIONS):
        n = more["subscription_n"][:, k].astype(np.int64)
        until = more["subscription_until"][np.arange(len(more)), k * SUBSCRIPTION_EVENTS + np.maximum(n, 1) - 1]
        a_day += np.where((n > 0) & (until > day), more["mrr"][:, k] * MONTHS_A_DAY, 0.0)
    return np.rint(a_day * policy.value.horizon_days * _margins(more, policy)).astype(np.int64)


def _levels(rows: Rows, more: Rows, policy: Policy, segment: NDArray[Any], value: NDArray[Any]) -> NDArray[np.int64]:
    """How grave the gravest open alert of each customer is."""
    borders = np.array([policy.severity.medium, policy.severity.high, policy.severity.critical])
    level = np.zeros(len(rows), np.int64)
    for sign in Sign:
        if sign is Sign.silent:
            chances = np.full(len(policy.segments), policy.silent.theta)
        else:
            chances = np.array([policy.signs[sign].chance_in(name) for name in policy.segments])
        graver = (rows["escalated"] >> sign) & 1
        own = np.minimum(np.searchsorted(borders, chances[segment] * value, side="right") + graver, len(borders))
        level = np.maximum(level, np.where((rows["open"] >> sign) & 1, own, 0))
    share = policy.acceptable.cost_share
    kept = share * _net(rows, more) * _margins(more, policy)
    acceptable = (share > 0) & (more["cost_to_serve"] > kept)
    return np.where(acceptable, 0, level)
