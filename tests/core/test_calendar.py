"""Business days against zoneinfo, hour by hour, in zones that make it hard."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.calendar import DAY_MS, PERIODS, calendar, date_of, day_of, period_end, period_start

ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",  # half an hour of summer time
    "America/Sao_Paulo",  # midnight did not exist on some days
    "Pacific/Apia",  # a whole day did not exist
    "Asia/Kathmandu",  # a quarter of an hour off
)


@pytest.mark.parametrize("zone", ZONES)
@given(time_s=st.integers(631_152_000, 2_524_608_000))
def test_the_business_day_is_the_local_date(zone: str, time_s: int) -> None:
    local = datetime.fromtimestamp(time_s, UTC).astimezone(ZoneInfo(zone)).date()
    assert date_of(calendar(zone).day(time_s * 1000)) == local


@pytest.mark.parametrize("zone", ZONES)
@given(when=st.dates(date(1995, 1, 1), date(2049, 1, 1)))
def test_a_day_begins_with_its_first_instant(zone: str, when: date) -> None:
    days, day = calendar(zone), day_of(when)
    start = days.start_ms(day)
    assert days.day(start - 1) < day
    assert days.day(start) >= day  # later only where the day does not exist
    assert days.end_ms(day) == days.start_ms(day + 1)
    assert 0 <= days.end_ms(day) - start <= 25 * 3_600_000


def test_days_of_many_instants_are_those_of_each() -> None:
    days = calendar("America/New_York")
    times_ms = np.arange(0, 60) * (DAY_MS // 3) + 1_488_000_000_000
    assert days.days(times_ms).tolist() == [days.day(int(one)) for one in times_ms]


@given(when=st.dates(date(1990, 1, 1), date(2090, 1, 1)), period=st.sampled_from(PERIODS))
def test_periods_follow_each_other_without_gap(when: date, period: str) -> None:
    day = day_of(when)
    start, end = period_start(period, day), period_end(period, day)
    assert start <= day <= end
    assert period_start(period, end) == start
    assert period_start(period, end + 1) == end + 1


@given(when=st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_periods_are_those_of_the_calendar(when: date) -> None:
    day = day_of(when)
    assert date_of(period_start("week", day)) == when - timedelta(days=when.isocalendar().weekday - 1)
    assert date_of(period_start("month", day)) == when.replace(day=1)
    assert date_of(period_start("quarter", day)) == date(when.year, 1 + 3 * ((when.month - 1) // 3), 1)
