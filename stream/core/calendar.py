"""Business days and periods in a time zone.

Owns: which business day an instant belongs to, when a day begins, and which days make a week, month, quarter or year.
A business day is its number since 1970-01-01; an instant is epoch milliseconds. Knows nothing of events or customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property, lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
PERIODS = ("day", "week", "month", "quarter", "year")
LONG_PERIODS = PERIODS[1:]

_EPOCH = date(1970, 1, 1)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_REMEMBERED = 10_000  # periods whose ends are kept: every close of a day asks for the same few again and again
_YEARS = range(1970, 2101)  # instants outside are in the first or last offset of the zone


def date_of(day: int) -> date:
    """The date of a business day number."""
    return date.fromordinal(_EPOCH_ORDINAL + day)


def day_of(when: date) -> int:
    """The business day number of a date."""
    return when.toordinal() - _EPOCH_ORDINAL


@dataclass(frozen=True, eq=False)
class Calendar:
    """A zone as a table of its offsets: offset `offsets_ms[i]` holds from instant `since_ms[i]` on."""

    since_ms: NDArray[np.int64]
    offsets_ms: NDArray[np.int64]

    def days(self, times_ms: NDArray[np.int64]) -> NDArray[np.int32]:
        """The business day of each instant (n → n)."""
        offset = self.offsets_ms[np.searchsorted(self.since_ms, times_ms, side="right") - 1]
        return ((times_ms + offset) // DAY_MS).astype(np.int32)

    def day(self, time_ms: int) -> int:
        """The business day of one instant."""
        return int(self.days(np.array([time_ms]))[0])

    def start_ms(self, day: int) -> int:
        """The first instant of a business day, also where the clocks skip midnight.

        >>> berlin = calendar("Europe/Berlin")
        >>> day = day_of(date(2024, 3, 31))  # summer time begins: 23 hours
        >>> (berlin.start_ms(day + 1) - berlin.start_ms(day)) // HOUR_MS
        23
        """
        if 0 <= day < self.starts_s.size:
            return int(self.starts_s[day]) * 1000
        return self._midnight_ms(day)

    def _midnight_ms(self, day: int) -> int:
        guess = day * DAY_MS
        low, high = np.searchsorted(self.since_ms, [guess - DAY_MS, guess + DAY_MS], side="right") - 1
        for i in range(low, high + 1):
            start = guess - int(self.offsets_ms[i])
            if i < high and start >= self.since_ms[i + 1]:
                continue  # that local midnight comes only under a later offset
            return max(start, int(self.since_ms[i]))
        raise AssertionError(f"no offset for day {day}")

    @cached_property
    def starts_s(self) -> NDArray[np.int64]:
        """The first second of every business day from day 0 on, as an array.

        >>> there = calendar("America/Sao_Paulo")
        >>> all(there.starts_s[day] * 1000 == there._midnight_ms(day) for day in range(17_000, 18_000))
        True
        """
        guess = np.arange((_YEARS[-1] - 1970 + 1) * 366) * DAY_MS
        low, high = (np.searchsorted(self.since_ms, guess + by, side="right") - 1 for by in (-DAY_MS, DAY_MS))
        starts = guess - self.offsets_ms[low]
        for day in np.flatnonzero(low != high).tolist():
            starts[day] = self._midnight_ms(day)
        return starts // 1000

    def end_ms(self, day: int) -> int:
        """The instant at which the next business day begins."""
        return self.start_ms(day + 1)


@cache
def calendar(zone: str) -> Calendar:
    """The calendar of an IANA zone. Raises ZoneInfoNotFoundError for an unknown one."""
    info = ZoneInfo(zone)

    def offset(time_s: int) -> int:
        delta = datetime.fromtimestamp(time_s, UTC).astimezone(info).utcoffset()
        assert delta is not None
        return delta // timedelta(milliseconds=1)

    first = int(datetime(_YEARS[0], 1, 1, tzinfo=UTC).timestamp())
    last = int(datetime(_YEARS[-1], 1, 1, tzinfo=UTC).timestamp())
    since, offsets = [np.iinfo(np.int64).min], [offset(first)]
    for noon in range(first, last, 86_400):
        if offset(noon) == offsets[-1]:
            continue
        low, high = noon - 86_400, noon  # the change is in (low, high]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
        since.append(high * 1000)
        offsets.append(offset(high))
    return Calendar(np.array(since, np.int64), np.array(offsets, np.int64))


def month_of(day: int) -> int:
    """The month of a business day, as its number since 1970-01.

    >>> month_of(day_of(date(2017, 8, 25)))
    571
    """
    when = date_of(day)
    return (when.year - _YEARS[0]) * 12 + when.month - 1


@cache
def months() -> NDArray[np.int64]:
    """The month of every business day from day 0 on, as its number since 1970-01.

    >>> months()[[0, 30, 31, day_of(date(2017, 8, 25))]].tolist()
    [0, 0, 1, 571]
    """
    days = np.arange((_YEARS[-1] - 1970 + 1) * 366).astype("datetime64[D]")
    return np.asarray(days.astype("datetime64[M]").astype(np.int64))


@lru_cache(_REMEMBERED)
def period_start(period: str, day: int) -> int:
    """The first day of the period that contains a day.

    >>> [str(date_of(period_start(p, day_of(date(2017, 8, 25))))) for p in PERIODS]
    ['2017-08-25', '2017-08-21', '2017-08-01', '2017-07-01', '2017-01-01']
    """
    when = date_of(day)
    match period:
        case "day":
            return day
        case "week":
            return day - when.weekday()
        case "month":
            return day_of(when.replace(day=1))
        case "quarter":
            return day_of(when.replace(month=(when.month - 1) // 3 * 3 + 1, day=1))
        case "year":
            return day_of(when.replace(month=1, day=1))
    raise AssertionError(f"no period {period!r}")


@lru_cache(_REMEMBERED)
def period_end(period: str, day: int) -> int:
    """The last day of the period that contains a day.

    >>> [str(date_of(period_end(p, day_of(date(2016, 2, 25))))) for p in PERIODS]
    ['2016-02-25', '2016-02-28', '2016-02-29', '2016-03-31', '2016-12-31']
    """
    start = period_start(period, day)
    match period:
        case "day":
            return start
        case "week":
            return start + 6
        case "month":
            return period_start("month", start + 31) - 1
        case "quarter":
            return period_start("quarter", start + 95) - 1
    return period_start("year", start + 366) - 1
