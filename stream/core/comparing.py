"""What a record is held against: the same segment earlier, and what the policy wants of it.

Owns: which earlier periods these are, and whose wish counts (definitions V6, V7). Knows nothing of where records are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, NamedTuple, TypeAlias

from stream.core.calendar import date_of, day_of, period_start
from stream.core.policy import Policy
from stream.core.retention import Record

WEEK, YEAR = timedelta(days=7), timedelta(days=364)  # whole weeks, so that a Saturday is held against a Saturday


class Earlier(NamedTuple):
    """What is compared of an earlier period that has closed."""

    start: date
    lost: int
    crr: float | None
    crr_strict: float | None
    churn: float | None


class Beside(NamedTuple):
    """What a record is held against; None where that isn't known, or isn't wanted."""

    before: Earlier | None = None
    year_before: Earlier | None = None
    target_crr: float | None = None
    acceptable_churn: float | None = None
    variants: tuple[str, ...] = ()  # of experiments: which are told, the first is what the others are held against


ALONE: Final = Beside()
Lookup: TypeAlias = Callable[[str], Earlier | None]  # by key, of what has closed


def before(period: str, start: date) -> date:
    """The first day of the period before: of a day, the same weekday a week ago.

    >>> str(before("month", date(2017, 8, 1))), str(before("day", date(2017, 8, 1)))
    ('2017-07-01', '2017-07-25')
    """
    return start - WEEK if period == "day" else date_of(period_start(period, day_of(start) - 1))


def year_before(period: str, start: date) -> date:
    """The first day of the period a year ago: of a day or a week, 52 weeks ago.

    >>> str(year_before("month", date(2017, 8, 1))), str(year_before("week", date(2017, 8, 7)))
    ('2016-08-01', '2016-08-08')
    """
    return start - YEAR if period in ("day", "week") else start.replace(year=start.year - 1)


def beside(record: Record, earlier: Lookup, policy: Policy) -> Beside:
    """What a record is held against. Only a month has targets, only what is over is compared."""
    wanted = policy.figures.wanted(record.segment) if record.period == "month" else (None, None)
    if record.provisional:
        return Beside(None, None, *wanted, policy.figures.variants)
    starts = (which(record.period, record.start) for which in (before, year_before))
    past, long_past = (earlier(f"{record.period}:{start}:{record.segment}") for start in starts)
    return Beside(past, long_past, *wanted, policy.figures.variants)


def among(records: list[Record]) -> Lookup:
    """The records at hand."""
    known = {
        one.key: Earlier(one.start, one.counts["lost"], one.crr, one.crr_strict, one.churn)
        for one in records
        if not one.provisional
    }
    return known.get
