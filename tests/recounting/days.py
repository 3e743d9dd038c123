"""Business days and periods for the recount, by the calendar alone. Knows nothing of customers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = ("day", "week", "month", "quarter", "year")


def ms(instant: str | int | datetime) -> int:
    """Epoch milliseconds of RFC 3339 text, or as they are."""
    if isinstance(instant, int):
        return instant
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    return (instant - EPOCH) // timedelta(milliseconds=1)


@cache
def day_of(instant_ms: int, zone: str) -> date:
    """day(t): the business day of an instant, "a calendar day of the policy's time zone"."""
    return (EPOCH + timedelta(milliseconds=instant_ms)).astimezone(ZoneInfo(zone)).date()


@cache
def end_of(day: date, zone: str) -> int:
    """end(d): "the instant at which day d+1 begins". Where midnight is skipped, the clock is put on from it."""
    return ms(datetime.combine(day + DAY, time(), ZoneInfo(zone)))


def period_of(kind: str, day: date) -> date:
    """The first day of the day, ISO week, month, quarter or year that contains a day."""
    if kind == "week":
        return day - DAY * day.weekday()
    if kind == "month":
        return day.replace(day=1)
    if kind == "quarter":
        return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    if kind == "year":
        return date(day.year, 1, 1)
    return day


@cache
def last_day(kind: str, start: date) -> date:
    later = start + {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}[kind] * DAY
    return period_of(kind, later) - DAY
