"""The pulse of one partition's input: how long its own gaps usually are, and which silence is an outage (T8–T10).

Owns: the statistics of gaps by weekday and hour, the instant at which a quiet input is no longer trusted, the outages
that are nobody's silence. Compiled where the loop calls it for each event. Knows rows, alerts and Kafka not at all;
all that it keeps is a few hundred bytes, which travel in the control record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stream.jit import njit

HOUR_MS = 3_600_000
CELLS = 168  # hours of a week, on the clocks of the policy's zone
WEEKS = 4  # remembered of each cell
GAPS = 20  # bucket b holds gaps up to 2^b seconds, the last one all that is longer
NEAR_MS = 5 * 60_000  # a record that comes so soon after its event is live
LEAST_MS = 15 * 60_000  # no shorter silence is called an outage
FACTOR = 3  # × the 99.9th percentile
LEAST_WEEKS, LEAST_GAPS = 2, 100  # fewer say too little of an hour of the week
MOST_COUNT = 255  # gaps of one hour are counted no further
WALK_HOURS = 4 * CELLS  # how far ahead an outage is looked for
WHOLE = 1 << 20
NEVER_MS = 2**62
OUTAGES = 32  # told apart; of more, the oldest go


ZONE_OFFSETS = 512  # the most that a zone's offset changes from 1970 to 2100

HOUR_END, N_OUTAGES, LIVE, FIRST_BUCKET = range(4)

# What is known of a partition's input, and its zone: one record, as a tuple of arrays is dear to compile.
PULSE = np.dtype(
    [
        ("now", "i8", FIRST_BUCKET + GAPS),  # HOUR_END, N_OUTAGES, LIVE, then the gaps of the hour so far by bucket
        (
            "cells",
            "u1",
            (CELLS, WEEKS, 2),
        ),  # newest week first; (bucket of the 99.9th percentile, number of gaps)
        ("outages", "i8", (OUTAGES, 2)),  # (from, until) in order of time
        ("since_ms", "i8", ZONE_OFFSETS),  # the zone: see calendar
        ("offsets_ms", "i8", ZONE_OFFSETS),
    ]
)

Pulse: TypeAlias = Any  # one record of PULSE: numpy.void outside compiled code, a numba record inside


def make(since_ms: NDArray[np.int64], offsets_ms: NDArray[np.int64]) -> Pulse:
    """The pulse of an input of which nothing has been seen."""
    pulse = np.zeros(1, PULSE)[0]
    pulse["since_ms"], pulse["offsets_ms"] = NEVER_MS, offsets_ms[-1]
    pulse["since_ms"][: since_ms.size], pulse["offsets_ms"][: since_ms.size] = since_ms, offsets_ms
    return pulse


def packed(pulse: Pulse) -> bytes:
    """All that is known, for the control record."""
    outages = pulse["outages"][: pulse["now"][N_OUTAGES]]
    return b"".join(known.tobytes() for known in (pulse["now"], pulse["cells"], outages))


def unpack(pulse: Pulse, data: bytes) -> None:
    """Go on from what `packed` gave; nothing (an older control record) leaves it as it is."""
    if not data:
        return
    now, cells = pulse["now"], pulse["cells"]
    now[:] = np.frombuffer(data[: now.nbytes], np.int64)
    cells[:] = np.frombuffer(data[now.nbytes :][: cells.nbytes], np.uint8).reshape(cells.shape)
    n = int(now[N_OUTAGES])
    pulse["outages"][:n] = np.frombuffer(data[now.nbytes + cells.nbytes :], np.int64).reshape(n, 2)


def live(
    time_ms: NDArray[np.int64], record: NDArray[np.int32], stamps_ms: Sequence[int] | None, last_ms: int
) -> NDArray[np.uint8]:
    """1 for each event whose record came when it happened (T9); without timestamps nothing is live.

    In a batch that spans no quarter of an hour there is no outage, so only the newest event's matters.
    """
    n = time_ms.size
    if stamps_ms is None or n == 0:
        return np.zeros(n, np.uint8)
    newest = int(time_ms.argmax())
    if time_ms[newest] - last_ms <= LEAST_MS:
        return np.full(n, stamps_ms[record[newest]] - time_ms[newest] <= NEAR_MS, np.uint8)
    return (np.asarray(stamps_ms, np.int64)[record] - time_ms <= NEAR_MS).astype(np.uint8)


@njit
def local_ms(pulse: Pulse, time_ms: int) -> int:
    """An instant on the clocks of the zone."""
    return time_ms + int(pulse.offsets_ms[np.searchsorted(pulse.since_ms, time_ms, side="right") - 1])


@njit
def cell_at(pulse: Pulse, time_ms: int) -> int:
    """The hour of the week of an instant."""
    return (local_ms(pulse, time_ms) // HOUR_MS) % CELLS


@njit
def hour_end_ms(pulse: Pulse, time_ms: int) -> int:
    """The end of the hour in which an instant lies."""
    return time_ms + HOUR_MS - local_ms(pulse, time_ms) % HOUR_MS


@njit
def bucket_of(gap_ms: int) -> int:
    """The bucket of a gap: b for one of up to 2^b seconds.

    >>> [bucket_of(gap) for gap in (1, 1000, 1001, 2000, 2001, 900_000)]
    [0, 0, 1, 1, 2, 10]
    """
    b = 0
    while b < GAPS - 1 and gap_ms > (1000 << b):
        b += 1
    return b


@njit
def _roll(pulse: Pulse, last_ms: int) -> None:
    """The hour of `last_ms` is over: remember its 99.9th percentile in its cell."""
    now = pulse.now
    n = np.int64(0)
    for b in range(GAPS):
        n += now[FIRST_BUCKET + b]
    if n == 0:
        return
    above = np.int64(0)
    at = GAPS - 1
    while at > 0 and (above + now[FIRST_BUCKET + at]) * 1000 <= n:
        above += now[FIRST_BUCKET + at]
        at -= 1
    cell = pulse.cells[cell_at(pulse, last_ms)]
    for week in range(WEEKS - 1, 0, -1):
        cell[week, 0] = cell[week - 1, 0]
        cell[week, 1] = cell[week - 1, 1]
    cell[0, 0] = at
    cell[0, 1] = min(n, MOST_COUNT)
    now[FIRST_BUCKET:] = 0


@njit
def limit_ms(pulse: Pulse, cell: int) -> int:
    """How long the input may be quiet in an hour of the week (T8); NEVER_MS where too little is known."""
    weeks, gaps, first, second = 0, 0, 0, 0
    for week in range(WEEKS):
        count = int(pulse.cells[cell, week, 1])
        if count > 0:
            weeks += 1
            gaps += count
            most = int(pulse.cells[cell, week, 0])
            second = max(second, min(first, most))
            first = max(first, most)
    if weeks < LEAST_WEEKS or gaps < LEAST_GAPS:
        return NEVER_MS
    usual = first if weeks == LEAST_WEEKS else second  # so that an outage does not hide the next one
    return max(LEAST_MS, FACTOR * (1000 << usual))


@njit
def guess_ms(pulse: Pulse) -> int:
    """What to go by where too little is known: FACTOR × the longest gap remembered at all."""
    most = -1
    for cell in range(CELLS):
        for week in range(WEEKS):
            if pulse.cells[cell, week, 1] > 0:
                most = max(most, int(pulse.cells[cell, week, 0]))
    for b in range(GAPS):
        if pulse.now[FIRST_BUCKET + b] > 0:
            most = max(most, b)
    return LEAST_MS if most < 0 else max(LEAST_MS, FACTOR * (1000 << most))


@njit
def trusted_until_ms(pulse: Pulse, last_ms: int, before_ms: int, guess: int) -> int:
    """When an input that is quiet since `last_ms` is no longer trusted (T8), NEVER_MS if not before `before_ms`.

    A minute of an hour whose limit is L uses up 1/L of the trust. `guess` is the limit of hours of which too little is
    known, NEVER_MS or `guess_ms`: a guess may stop the clock for a while, it excuses nobody's silence.
    """
    used = 0
    at_ms = last_ms
    for _ in range(WALK_HOURS):
        if at_ms >= before_ms:
            break
        limit = limit_ms(pulse, cell_at(pulse, at_ms))
        if limit == NEVER_MS:
            limit = guess
        end_ms = hour_end_ms(pulse, at_ms)
        if limit != NEVER_MS:
            left_ms = (WHOLE - used) * limit // WHOLE
            if at_ms + left_ms <= end_ms:
                return at_ms + left_ms if at_ms + left_ms < before_ms else NEVER_MS
            used += (end_ms - at_ms) * WHOLE // limit
        at_ms = end_ms
    return NEVER_MS


@njit(inline=True)
def beat(pulse: Pulse, last_ms: int, time_ms: int) -> None:
    """A record moves the newest event time from `last_ms` to `time_ms`: one more gap is known."""
    if last_ms < 0:  # the first record of all
        pulse.now[HOUR_END] = hour_end_ms(pulse, time_ms)
        return
    gap_ms = time_ms - last_ms
    b = 0
    while b < GAPS - 1 and gap_ms > (1000 << b):  # bucket_of, which would be a call for each event
        b += 1
    pulse.now[FIRST_BUCKET + b] += 1
    if time_ms >= pulse.now[HOUR_END]:
        _next_hour(pulse, last_ms, time_ms)


@njit
def _next_hour(pulse: Pulse, last_ms: int, time_ms: int) -> None:
    _roll(pulse, last_ms)
    pulse.now[HOUR_END] = hour_end_ms(pulse, time_ms)


@njit
def excuse(pulse: Pulse, last_ms: int, time_ms: int, grace_ms: int) -> None:
    """A live input was silent from `last_ms` to `time_ms`: if it was an outage (T9), nobody is to blame for it."""
    n = pulse.now[N_OUTAGES]
    lost_ms = trusted_until_ms(pulse, last_ms, time_ms, NEVER_MS)
    if lost_ms == NEVER_MS or (
        n > 0 and pulse.outages[n - 1, 1] == time_ms // 1000 * 1000
    ):  # the loop may come by twice
        return
    if n == OUTAGES:
        for i in range(OUTAGES - 1):
            pulse.outages[i, 0] = pulse.outages[i + 1, 0]
            pulse.outages[i, 1] = pulse.outages[i + 1, 1]
        n -= 1
    # in whole seconds, as what is due
    pulse.outages[n, 0] = -(-max(last_ms, lost_ms - grace_ms) // 1000) * 1000
    pulse.outages[n, 1] = time_ms // 1000 * 1000
    pulse.now[N_OUTAGES] = n + 1


@njit(inline=True)
def after_s(pulse: Pulse, from_s: int, wait_s: int) -> int:
    """The second at which somebody has been silent for `wait_s` since `from_s`, outages not counted (T10)."""
    n = pulse.now[N_OUTAGES]
    if n == 0 or from_s * 1000 >= pulse.outages[n - 1, 1]:
        return from_s + wait_s
    return _after_s(pulse, from_s, wait_s)


@njit
def _after_s(pulse: Pulse, from_s: int, wait_s: int) -> int:
    due_s = from_s + wait_s
    for i in range(pulse.now[N_OUTAGES]):
        begin_s, end_s = max(int(pulse.outages[i, 0]) // 1000, from_s), int(pulse.outages[i, 1]) // 1000
        if begin_s < end_s and begin_s < due_s:
            due_s += end_s - begin_s
    return due_s
