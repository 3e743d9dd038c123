"""The score of every customer as known at the end of a business day (definitions A7).

Owns: what is said of a customer whom no alert may concern (too few purchases) as well as of one it does. Reads rows,
changes none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stream.core.alerts import silence_told, value_at_risk
from stream.core.calendar import calendar
from stream.core.lifecycle import Stage, stage_of
from stream.core.partition import Partition
from stream.core.retention import segment_at
from stream.core.row import NO_DAY
from stream.core.silence import p_alive, p_none


class Score(NamedTuple):
    """One customer; chances in 0…1, money in minor units."""

    customer_id: str
    days_silent: int
    p_none: float
    horizon_days: int
    p_alive: float
    stage: str
    value_at_risk: int


def scores(partition: Partition, day: int) -> Iterator[Score]:
    """A score of every customer who ever purchased, in the order of their ids.

    Nothing after `day` may have been applied.
    """
    table, policy, params = partition.table, partition.policy, partition.rules.silence
    end_ms, least = calendar(policy.zone).end_ms(day), policy.silent.min_purchase_days
    for customer_id, i in sorted((table.customer_id(i), i) for i in range(table.n)):
        row, more = table.rows[i], table.more_of(i)
        if row["purchase_day"] == NO_DAY:
            continue
        silent_days = day - int(row["purchase_day"])
        loc, scale, p, odds = silence_told(row, policy, params)
        segment = int(segment_at(row, end_ms // 1000 - 1))
        yield Score(
            customer_id,
            silent_days,
            p_none(silent_days, params.horizon_days, loc, scale, p, odds),
            policy.silent.horizon_days,
            p_alive(silent_days, loc, scale, p),
            Stage(stage_of(row, more, day, end_ms // 1000, policy.active_days[segment], least)).name,
            value_at_risk(row, more, day, end_ms // 1000, policy),
        )
