"""One simulated customer's events as they happen, and the truth about them.

Owns: how an event of the simulation is written, the rhythm of the week and the year, and what is kept of the truth.
Knows nothing of why anything happens. Times are whole seconds from midnight UTC of the first day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

import msgspec

DAY_S = 86_400
SOURCE = "simulated"

# how much of the usual there is on Monday … Sunday, and in each month (Christmas, a quiet January, holidays in summer)
SHOPPING_WEEK = (0.8, 0.7, 0.8, 0.9, 1.3, 1.6, 0.9)
WORKING_WEEK = (1.1, 1.2, 1.2, 1.1, 0.9, 0.2, 0.15)
READING_WEEK = (0.9, 0.9, 0.9, 0.9, 1.0, 1.3, 1.4)
SEASON = (0.85, 0.9, 1.0, 1.0, 1.0, 0.95, 0.85, 0.85, 1.0, 1.05, 1.2, 1.4)

_encode = msgspec.json.Encoder().encode


class Symptom(msgspec.Struct, frozen=True):
    """What was to be seen of a customer from a day on, until a day: the sign that ought to tell of it."""

    sign: str
    since: int
    until: int


class Written(msgspec.Struct, frozen=True):
    """One event as a line of JSON, and its place in the order of time; ties go by customer, then as they happened."""

    time_s: int
    line: bytes


@dataclass(frozen=True, slots=True)
class Almanac:
    """The days of the simulation, written out once."""

    start: date
    days: int
    texts: list[str]
    months: list[int]

    @classmethod
    def of(cls, start: date, days: int) -> Almanac:
        """All days of a simulation."""
        each = [start + timedelta(day) for day in range(days)]
        return cls(start, days, [str(day) for day in each], [day.month - 1 for day in each])

    def weekday(self, day: int) -> int:
        """Monday is 0."""
        return (self.start.weekday() + day) % 7

    def date(self, day: int) -> date:
        """The date of a day, also one after the end."""
        return self.start + timedelta(day)

    def season(self, day: int) -> float:
        """How busy this time of the year is, 1 on average."""
        return SEASON[self.months[min(max(day, 0), self.days - 1)]]


@dataclass(slots=True)
class Life:
    """Collects one customer's events; those outside the days of the simulation are dropped."""

    customer_id: str
    year: Almanac
    rng: Random
    written: list[Written] = field(default_factory=list)
    symptoms: list[Symptom] = field(default_factory=list)
    common: dict[str, Any] = field(default_factory=dict)  # such as the variant of an experiment

    def tell(self, time_s: float, kind: str, **fields: Any) -> None:
        """Write down one event of this customer."""
        self.tell_of(self.customer_id, time_s, kind, fields)

    def tell_of(self, customer_id: str, time_s: float, kind: str, fields: dict[str, Any]) -> None:
        """Write down one event, of another customer too (the friend who was brought along)."""
        at = int(time_s)
        day, second = divmod(at, DAY_S)
        if not 0 <= day < self.year.days:
            return
        event = {
            "id": f"{self.customer_id}-{len(self.written)}",
            "source": SOURCE,
            "type": kind,
            "customer_id": customer_id,
            "time": f"{self.year.texts[day]}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z",
            **self.common,
            **fields,
        }
        self.written.append(Written(at, _encode(event)))

    def show(self, sign: str, since: float, until: float) -> None:
        """Note for the truth: from day `since` to day `until` the sign ought to be seen."""
        if since < self.year.days:
            self.symptoms.append(Symptom(sign, max(int(since), 0), min(int(until), self.year.days - 1)))

    @property
    def days(self) -> int:
        """How many days the simulation has."""
        return self.year.days

    def midnight(self, day: int) -> str:
        """The first moment of a day, as text; the day may lie after the end."""
        return f"{self.year.date(day)}T00:00:00Z"

    def moment(self, day: int, early: float = 7.0, late: float = 23.0) -> int:
        """Some second of a day between two hours, most likely in the middle of them."""
        hour = self.rng.triangular(early, late, (early + late) / 2)
        return day * DAY_S + int(hour * 3600)

    def on_weekday_like(self, day: int, week: tuple[float, ...]) -> int:
        """The day, or one of the next two, whichever such people rather take."""
        weights = [week[self.year.weekday(day + ahead)] for ahead in range(3)]
        return day + self.rng.choices(range(3), weights)[0]


def cents(amount: float) -> float:
    """Money of that many cents, at least one.

    >>> cents(12.3456), cents(-1)
    (12.35, 0.01)
    """
    return max(round(amount * 100), 1) / 100
