"""The Complete Journey as the replay needs it: its first days, encoded, with their keys and times.

Owns: what is replayed. How the data set becomes events is `stream.tools.journey`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from stream.core.calendar import calendar, day_of
from stream.policies import load
from stream.tools.datasets import last_event
from stream.tools.demo.replay import Event
from stream.tools.journey import complete_journey

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY = "complete-journey"
FIRST_DAY = date(2017, 1, 1)
YEAR_DAYS = 365
CLOCK = "clock_advanced"


def read(days: int) -> list[Event]:
    """The events of the first `days` business days, and the clock event that makes the last of them final."""
    policy = load(POLICY)
    last = day_of(last_day(days))
    end_ms = calendar(policy.zone).end_ms(last)
    encoder = msgspec.json.Encoder()

    def shopping() -> Iterator[Event]:
        for event in complete_journey():
            time_ms = _ms(event)
            if event["type"] == CLOCK or time_ms >= end_ms:
                return
            yield Event(time_ms, str(event["customer_id"]).encode(), encoder.encode(event))

    events = list(shopping())
    clock = last_event("complete-journey", policy, last)
    events.append(Event(_ms(clock), None, encoder.encode(clock)))
    return events


def last_day(days: int) -> date:
    """Return the last of the first `days` days."""
    return FIRST_DAY + timedelta(days=days - 1)


def _ms(event: dict[str, object]) -> int:
    return int(datetime.fromisoformat(str(event["time"])).timestamp()) * 1000
