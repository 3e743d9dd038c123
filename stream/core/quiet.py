"""Rows of which the last active day tells all: not seen in the periods that are counted, or never on another day.

Owns: which rows these are, and what is counted of them by day, so that a period is counted from days and not once more
from every row: most rows, on most days. What the counts mean is `core.figures`'s.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.kinds import Kind
from stream.core.measures import BRACKET_DAYS
from stream.core.remembering import KIND_BITS, KIND_MASK
from stream.core.row import MEMBER, Row
from stream.jit import njit

UNSAID_DAYS = 30  # before the last activity, and ever after: nothing was said
_KINDS = len(Kind) + 1


class Quiet(NamedTuple):
    """Quiet rows by segment and day."""

    head: NDArray[np.int64]  # how many had their last active day then
    members: NDArray[np.int64]  # of these
    unsaid: NDArray[np.int64]
    buyers: NDArray[np.int64]
    repeat_buyers: NDArray[np.int64]
    kinds: NDArray[np.int64]  # and their last kinds
    first: NDArray[np.int64]  # how many had their first active day then
    lately: NDArray[np.int64]  # and by how many days before all periods the last one was, if that is in the bracket


@njit
def none_quiet(segments: int, days: int, first_days: int) -> Quiet:
    """Room for so many segments, last active days and first active days."""
    by_day = (segments, days)
    return Quiet(
        np.zeros(by_day, np.int64), np.zeros(by_day, np.int64), np.zeros(by_day, np.int64),
        np.zeros(by_day, np.int64), np.zeros(by_day, np.int64),
        np.zeros((segments, days, _KINDS), np.int64), np.zeros((segments, first_days), np.int64),
        np.zeros((segments, first_days, BRACKET_DAYS - 1), np.int64),
    )  # fmt: skip


@njit(inline=True)
def unsaid(r: Row) -> bool:
    """Whether nothing was said in the days up to the last activity, nor since (definitions W5)."""
    return bool(np.int64(r.word_day) < r.active_head - UNSAID_DAYS + 1)


@njit(inline=True)
def is_quiet(r: Row, earliest: int) -> bool:
    """Whether the last active day, before every period or the only one, tells all there is to tell of a row."""
    return bool(((r.active_head < earliest) | (r.active_head == r.first_day)) & (r.more == 0) & (r.segments_n <= 1))


@njit(inline=True)
def take_quiet(r: Row, oldest: int, youngest: int, earliest: int, q: Quiet) -> None:
    """Take note of a quiet row by its last active day, if that matters to any period, and by its first."""
    segment = r.segment[0] if r.segments_n else 0
    at = r.active_head - oldest
    if at >= q.head.shape[1]:
        return  # its one day comes after all periods
    if r.first_day >= youngest:
        q.first[segment, r.first_day - youngest] += 1
        ago = earliest - 1 - r.active_head
        if 0 <= ago < BRACKET_DAYS - 1:
            q.lately[segment, r.first_day - youngest, ago] += 1
    if at < 0:
        return
    q.head[segment, at] += 1
    q.members[segment, at] += r.member & MEMBER
    q.unsaid[segment, at] += unsaid(r)
    q.buyers[segment, at] += r.orders > 0
    q.repeat_buyers[segment, at] += r.orders > 1
    kinds = np.int64(r.kinds)
    while kinds > 0:
        q.kinds[segment, at, kinds & KIND_MASK] += 1
        kinds >>= KIND_BITS
