"""Instants as written on the wire → epoch milliseconds, a whole batch at a time.

Owns: the grammar of RFC 3339 (section 5.6), and which instants an event may have. Knows nothing else of events.
"""
# ruff: noqa: PLR2004 -- the grammar is made of positions and of numbers of the calendar

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from stream.jit import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNREADABLE = np.iinfo(np.int64).min
FUTURE_MS = 600_000  # an event may be this much later than its record (definitions T2)
EARLIEST_MS = 631_152_000_000  # 1990-01-01: an epoch in seconds, taken for milliseconds, is earlier

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_SHORTEST = 20  # 2017-08-25T18:42:10Z
_LOWER = 32  # the bit that makes an ASCII letter small
_T, _Z, _SPACE, _COLON, _PLUS, _MINUS, _POINT = 116, 122, 32, 58, 43, 45, 46


@numba.njit(cache=True)
def _digits(text: NDArray[np.uint8], start: int, stop: int) -> int:
    """text[start:stop] as a number; far below zero when a character is no digit."""
    value = 0
    for i in range(start, stop):
        digit = int(text[i]) - 48
        if digit < 0 or digit > 9:
            return -1_000_000
        value = value * 10 + digit
    return value


@numba.njit(cache=True)
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar, UNREADABLE when there is no such day."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 31
    if month in {4, 6, 9, 11}:
        longest = 30
    elif month == 2:
        longest = 29 if leap else 28
    if year < 1 or month < 1 or month > 12 or day < 1 or day > longest:
        return UNREADABLE
    # years begin in March, so that the leap day is the last (H. Hinnant, days_from_civil)
    y = year - 1 if month <= 2 else year
    era, of_era = y // 400, y % 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@numba.njit(cache=True)
def _offset_ms(text: NDArray[np.uint8], start: int, stop: int) -> int:
    """The zone: Z, or ±hh:mm; UNREADABLE for anything else, nothing included."""
    if stop - start == 1 and (text[start] | _LOWER) == _Z:
        return 0
    if stop - start != 6 or text[start + 3] != _COLON or (text[start] != _PLUS and text[start] != _MINUS):
        return UNREADABLE
    hours, minutes = _digits(text, start + 1, start + 3), _digits(text, start + 4, start + 6)
    if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
        return UNREADABLE
    offset = hours * _HOUR_MS + minutes * _MINUTE_MS
    return -offset if text[start] == _MINUS else offset


@numba.njit(cache=True)
def _of_day_ms(text: NDArray[np.uint8], s: int) -> int:
    """hh:mm:ss at s; a leap second counts as the next second."""
    hour, minute, second = _digits(text, s, s + 2), _digits(text, s + 3, s + 5), _digits(text, s + 6, s + 8)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 60:
        return UNREADABLE
    return hour * _HOUR_MS + minute * _MINUTE_MS + second * 1000


@numba.njit(cache=True)
def _fraction(text: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """A fraction of a second, cut after its milliseconds, and where it ends; (UNREADABLE, start) for a lone point."""
    if text[start] != _POINT:
        return 0, start
    i, fraction, unit = start + 1, 0, 100
    while i < stop and _digits(text, i, i + 1) >= 0:
        fraction += unit * _digits(text, i, i + 1)
        unit //= 10
        i += 1
    return (UNREADABLE, start) if i == start + 1 else (fraction, i)


@numba.njit(cache=True)
def _instant(text: NDArray[np.uint8], s: int, stop: int) -> int:
    if stop - s < _SHORTEST:
        return UNREADABLE
    if text[s + 4] != _MINUS or text[s + 7] != _MINUS or text[s + 13] != _COLON or text[s + 16] != _COLON:
        return UNREADABLE
    if (text[s + 10] | _LOWER) != _T and text[s + 10] != _SPACE:
        return UNREADABLE
    days = _days(_digits(text, s, s + 4), _digits(text, s + 5, s + 7), _digits(text, s + 8, s + 10))
    of_day = _of_day_ms(text, s + 11)
    fraction, end = _fraction(text, s + 19, stop)
    offset = _offset_ms(text, end, stop)
    if UNREADABLE in (days, of_day, fraction, offset):
        return UNREADABLE
    return days * 86_400_000 + of_day + fraction - offset


@numba.njit(cache=True)
def _instants(text: NDArray[np.uint8], instants: NDArray[np.int64]) -> int:
    n, start = 0, whole(0)
    for i in range(text.size + 1):
        if i == text.size or text[i] == 0:
            if n == instants.size:
                return -1
            instants[n] = _instant(text, start, i)
            n += 1
            start = i + 1
    return n


def timely(time_ms: NDArray[np.int64], stamps_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether events may have these times, in records of these timestamps (definitions T2)."""
    return (time_ms >= EARLIEST_MS) & (time_ms <= stamps_ms + FUTURE_MS)


@numba.njit(cache=True)
def parse_spans(
    text: NDArray[np.uint8], begin: NDArray[np.int32], end: NDArray[np.int32], number: NDArray[np.float64],
    instants: NDArray[np.int64],
) -> None:  # fmt: skip
    """Epoch milliseconds of each text[begin:end]; where begin is negative it is the number, and 0 for NaN."""
    for i in range(instants.size):
        if begin[i] >= 0:
            instants[i] = _instant(text, whole(begin[i]), whole(end[i]))
        else:
            instants[i] = 0 if np.isnan(number[i]) else np.int64(number[i])


def parse(joined: bytes, n: int) -> NDArray[np.int64]:
    r"""Epoch milliseconds of n RFC 3339 instants joined by NUL, UNREADABLE for each that is none.

    >>> parse(b"1970-01-01T00:00:01.5Z\x002017-08-25 20:42:10+02:00", 2).tolist()
    [1500, 1503686530000]
    >>> (parse(b"2017-08-25T18:42:10\x002017-02-29T00:00:00Z", 2) == UNREADABLE).tolist()
    [True, True]
    """
    instants = np.empty(n, np.int64)
    if n:
        found = _instants(np.frombuffer(joined, np.uint8), instants)
        assert found == n, f"{found} instants where {n} were joined"
    return instants
