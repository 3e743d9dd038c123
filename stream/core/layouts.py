"""Rows as earlier versions wrote them, and how they become rows of now.

Owns: the earlier layouts. A changelog holds rows of several, as each is written anew only when its customer changes;
each says in its `form`, the byte at FORM_AT, which one it has. A field keeps its meaning for ever under its name: what
should mean something else gets another name, what is new begins as with a newcomer, what is gone is left out.

To change ROW or MORE: write the layout of before here, in `_EARLIER`, unless no release has it, and raise `row.FORM`.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.row import FORM, FORM_AT, MORE, NEWBORN, ROW, ROW_LAYOUT

# ROW and MORE by form; a field is `name:type`, with `*n` for n of them
_EARLIER: Final[dict[int, tuple[str, str]]] = {
    0: (  # 24 November 2026
        """
        consent:u1 event_at:u1 segments_n:u1 reserved:u1 more:u4 active_head:i4 first_day:i4 purchase_day:i4
        due_s:u4 silent_s:u4 purchase_s:u4 first_s:u4 seen_s:u4 erased_s:u4 open:u2 escalated:u2
        purchase_days:u2 first_purchase:u2 orders:u4 segment:u1*4 active:u8*4 events:u8*8 gap_mean:f8
        gap_square:f8 gap_weight:f8 revenue:i8 segment_s:u4*4 rarer:f8 spend:f8 spend_day:u2 first_spend:u2
        engage_day:u2 first_engage:u2 engage_days:u2 engage_rarer:f8 engage:f8 opened_s:u4*13 episode:u2*13
        turns:u1*13 month_revenue:i4*8 kinds:u4 month_head:u2 word_day:u2 member:u1
        """,
        """
        consent_s:u4*2 refunded:i8 cost_to_serve:i8 acquisition_cost:i8 margin:u2 birthday:u2 muted:u2
        muted_until_s:u4 subscription:u4*4 subscription_n:u1*4 subscription_s:u4*12 subscription_until:u2*12
        mrr:i8*4 ends_s:u4*4 failed_s:u4 failed_due_s:u4 recovered_s:u4 activate_s:u4 uses:u1 cancel_why:u1
        ticket:u4*4 ticket_s:u4*4 ticket_bits:u1*4 complaint_day:u2*4 contact_s:u4 score:u1*3 score_s:u4*3
        cooling_survey:u1 cooling_from:u1 loads:f8 bad_loads:f8 page_day:u2 loads_n:u4 bad_loads_n:u4
        left:f8 left_day:u2 left_n:u2 subscription_mrr:u4*12 nps_s:u4*3 nps:u1*3
        """,
    ),
}

_form_of = itemgetter(FORM_AT)


class Layout(NamedTuple):
    """The types of a row and of what some have beside it."""

    row: np.dtype[np.void]
    more: np.dtype[np.void]

    @property
    def crc(self) -> int:
        """What control records call it."""
        return zlib.crc32(repr((self.row.descr, self.more.descr)).encode())


@functools.cache
def layout(form: int) -> Layout | None:
    """The layout of a form; None for one of which this version knows nothing."""
    if form == FORM:
        return Layout(ROW, MORE)
    words = _EARLIER.get(form)
    return None if words is None else Layout(_dtype(words[0]), _dtype(words[1]))


@functools.cache
def known() -> frozenset[int]:
    """The layouts that can be read, as control records call them."""
    return frozenset({ROW_LAYOUT, *(Layout(_dtype(row), _dtype(more)).crc for row, more in _EARLIER.values())})


def current(values: Sequence[bytes]) -> Sequence[bytes]:
    """Changelog values as this version writes them: a ROW, and a MORE where there is one. Raises ValueError."""
    sizes = set(map(len, values))
    short = min(sizes, default=ROW.itemsize)
    if short <= FORM_AT:
        raise ValueError(f"rows of {short} bytes")
    forms = set(map(_form_of, values))
    if forms <= {FORM} and sizes <= {ROW.itemsize, ROW.itemsize + MORE.itemsize}:
        return values
    found = list(values)
    for form in forms:
        places = [place for place, value in enumerate(values) if value[FORM_AT] == form]
        _convert(form, places, found)
    return found


def _convert(form: int, places: list[int], values: list[bytes]) -> None:
    was = layout(form)
    sizes = {len(values[place]) for place in places}
    if was is None or not sizes <= {was.row.itemsize, was.row.itemsize + was.more.itemsize}:
        raise ValueError(f"rows of form {form} and of {', '.join(map(str, sorted(sizes)))} bytes")
    size = was.row.itemsize
    rows = _renamed(np.frombuffer(b"".join([values[place][:size] for place in places]), was.row), NEWBORN)
    rows["form"] = FORM
    for place, row in zip(places, rows, strict=True):
        more = values[place][size:]
        beside = _renamed(np.frombuffer(more, was.more), np.zeros(1, MORE)).tobytes() if more else b""
        values[place] = row.tobytes() + beside


def _renamed(old: NDArray[np.void], blank: NDArray[np.void]) -> NDArray[np.void]:
    """Records as those of `blank`, field by field; of a field that holds several, as many as both have."""
    new = np.repeat(blank, old.size)
    for name in set(old.dtype.names or ()) & set(new.dtype.names or ()):
        here, there = new[name], old[name]
        many = min(here.shape[1:], there.shape[1:])
        here[(slice(None), *map(slice, many))] = there[(slice(None), *map(slice, many))]
    return new


def _dtype(words: str) -> np.dtype[np.void]:
    fields = []
    for word in words.split():
        name, kind, many = (*word.replace("*", ":").split(":"), "")[:3]
        fields.append((name, kind, int(many)) if many else (name, kind))
    return np.dtype(fields)
