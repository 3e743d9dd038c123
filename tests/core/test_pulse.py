"""The pulse of an input: what is usual in an hour of the week, and when a silence is an outage (T8–T10)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from stream.core import pulse as p
from stream.core.calendar import calendar

MINUTE_MS = 60_000
START_MS = 1_750_032_000_000  # a Monday, 00:00 UTC


def fresh(zone: str = "UTC") -> p.Pulse:
    found = calendar(zone)
    return p.make(found.since_ms, found.offsets_ms)


def feed(pulse: p.Pulse, times_ms: list[int]) -> None:
    p.beat(pulse, -1, times_ms[0])
    for last_ms, time_ms in pairwise(times_ms):
        p.beat(pulse, last_ms, time_ms)


def weeks(count: int, every_ms: int, hours: range = range(24)) -> list[int]:
    """Instants of a shop that is open in these hours of each day."""
    step = range(0, count * 7 * 24 * p.HOUR_MS, every_ms)
    return [START_MS + ms for ms in step if ms // p.HOUR_MS % 24 in hours]


def after(pulse: p.Pulse, from_ms: int, wait_ms: int) -> int:
    return int(p.after_s(pulse, from_ms // 1000, wait_ms // 1000)) * 1000


def until(pulse: p.Pulse, last_ms: int, hours: float = 100, *, guessing: bool = False) -> float | None:
    """Minutes after which a silence from then on is no longer trusted."""
    guess = p.guess_ms(pulse) if guessing else p.NEVER_MS
    found = int(p.trusted_until_ms(pulse, last_ms, last_ms + int(hours * p.HOUR_MS), guess))
    return None if found == p.NEVER_MS else (found - last_ms) / MINUTE_MS


def test_a_busy_input_is_trusted_for_a_quarter_of_an_hour() -> None:
    pulse = fresh()
    times = weeks(3, 10_000)
    feed(pulse, times)
    assert until(pulse, times[-1]) == 15


def test_a_quiet_input_is_trusted_for_longer() -> None:
    """Three times the 99.9th percentile, which is known to a factor of two."""
    pulse = fresh()
    times = weeks(5, 2 * MINUTE_MS)
    feed(pulse, times)
    found = until(pulse, times[-1])
    assert found == pytest.approx(15)
    pulse = fresh()
    times = weeks(5, 2 * MINUTE_MS, range(0, 24, 2))  # an hour without any after each with
    feed(pulse, times)
    last = max(time for time in times if time % (24 * p.HOUR_MS) < 2 * p.HOUR_MS)  # 00:58
    assert until(pulse, last) is not None, "an hour is usual here, a day is not"
    assert (until(pulse, last) or 0) > 120


def test_nothing_is_called_an_outage_before_two_weeks_are_known() -> None:
    pulse = fresh()
    times = weeks(1, 10_000)
    feed(pulse, times)
    assert until(pulse, times[-1]) is None
    assert until(pulse, times[-1], guessing=True) == 15, "the clock may stop on a guess"


def test_closing_time_is_no_outage_and_staying_closed_is() -> None:
    """Open 9 to 18: the night uses up no trust, the first quarter of an hour of the morning does."""
    pulse = fresh()
    times = weeks(4, 5_000, range(9, 18))
    feed(pulse, times)
    last = times[-1]
    assert until(pulse, last, 15) is None, "at 8:59"
    found = until(pulse, last)
    assert found is not None
    assert 15 * 60 < found < 15 * 60 + 15 + 1, "by a quarter past nine"


def test_in_the_middle_of_the_day_it_is_noticed_at_once() -> None:
    pulse = fresh()
    times = [
        time
        for time in weeks(4, 5_000, range(9, 18))
        if time < START_MS + (3 * 7 + 2) * 24 * p.HOUR_MS + 12 * p.HOUR_MS
    ]
    feed(pulse, times)
    assert until(pulse, times[-1]) == 15


def test_an_outage_does_not_make_the_next_one_invisible() -> None:
    """With a thousand gaps in an hour, the one long one is not the 99.9th percentile."""
    pulse = fresh()
    times = weeks(4, 3_000)
    gap = range(START_MS + 24 * 24 * p.HOUR_MS + 600_000, START_MS + 24 * 24 * p.HOUR_MS + 12 * p.HOUR_MS)
    feed(pulse, [time for time in times if time not in gap])
    assert until(pulse, START_MS + (24 + 7) * 24 * p.HOUR_MS + 60_000) == 15


def test_the_hours_are_those_of_the_shop() -> None:
    """Across the change to summer time the shop opens at its own nine o'clock."""
    zone = "America/New_York"
    pulse, cal = fresh(zone), calendar(zone)
    first = 17_220  # 2017-02-23, a Thursday
    times = [
        cal.start_ms(day) + 9 * p.HOUR_MS + ms
        for day in range(first, first + 17)
        for ms in range(0, 9 * p.HOUR_MS, 5_000)
    ]
    feed(pulse, times)
    sunday = cal.start_ms(first + 17)  # clocks change at 2
    assert until(pulse, times[-1], (sunday + 7 * p.HOUR_MS - times[-1]) / p.HOUR_MS) is None, "at 8:00 summer time"


def test_an_outage_is_nobodys_silence() -> None:
    pulse = fresh()
    times = weeks(3, 10_000)
    feed(pulse, times)
    last, day = times[-1], 24 * p.HOUR_MS
    p.excuse(pulse, last, last + 10 * MINUTE_MS, p.HOUR_MS)
    assert after(pulse, last, day) == last + day, "ten minutes are no outage"
    p.excuse(pulse, last, last + day, p.HOUR_MS)
    assert after(pulse, last - 5 * day, 5 * day) == last, "was due before"
    assert after(pulse, last - 5 * day, 5 * day + 1000) == last + day + 1000
    assert after(pulse, last + day // 2, day) == last + 2 * day, "from the middle of it"
    assert after(pulse, last + day, 7 * day) == last + 8 * day
    p.excuse(pulse, last + 2 * day, last + 3 * day, p.HOUR_MS)
    assert after(pulse, last - day, 3 * day) == last + 4 * day, "two of them"


def test_with_a_long_limit_the_outage_begins_where_the_clock_had_to_stop() -> None:
    pulse = fresh()
    times = weeks(5, 2 * MINUTE_MS, range(0, 24, 2))
    feed(pulse, times)
    last = max(time for time in times if time % (24 * p.HOUR_MS) < 2 * p.HOUR_MS)
    lost = last + int((until(pulse, last) or 0) * MINUTE_MS)
    p.excuse(pulse, last, last + 72 * p.HOUR_MS, p.HOUR_MS)
    assert pulse["outages"][0].tolist() == [lost - p.HOUR_MS, last + 72 * p.HOUR_MS]


def test_what_is_known_survives_a_restart() -> None:
    pulse = fresh()
    times = weeks(3, 10_000)
    feed(pulse, times)
    p.excuse(pulse, times[-1], times[-1] + 10 * p.HOUR_MS, p.HOUR_MS)
    again = fresh()
    p.unpack(again, p.packed(pulse))
    assert p.packed(again) == p.packed(pulse)
    assert len(p.packed(pulse)) < 1_700
    p.unpack(again, b"")
    assert np.array_equal(again["now"], pulse["now"])


def test_of_many_outages_the_latest_are_told_apart() -> None:
    pulse = fresh()
    times = weeks(3, 10_000)
    feed(pulse, times)
    for n in range(p.OUTAGES + 3):
        p.excuse(pulse, times[-1] + 2 * n * p.HOUR_MS, times[-1] + (2 * n + 1) * p.HOUR_MS, p.HOUR_MS)
    assert pulse["now"][p.N_OUTAGES] == p.OUTAGES
    assert pulse["outages"][-1, 1] == times[-1] + (2 * (p.OUTAGES + 2) + 1) * p.HOUR_MS
