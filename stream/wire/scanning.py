"""Plain flat JSON objects, scanned in compiled code: where each field's value lies, and what it is.

Owns: the part of JSON that is read here: one object of numbers without sign or exponent, of at most 15 digits, of
true, false and null, and of printable ASCII strings without escapes. Whatever else a record is, valid or not, is *not
plain*: `wire.plain` leaves it to msgspec. Knows which fields a kind has, and their limits, as numbers only.
"""
# ruff: noqa: PLR2004, PLR0911, C901 -- the grammar of JSON is made of characters, and any of them may end it

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.jit import njit

TEXT, WHOLE, DECIMAL, TRUE, FALSE, NULL = 1, 2, 4, 8, 16, 32  # what a value is
FOREIGN = 64  # with these bits in `accepts`: nothing but them, so that msgspec looks at every other value
ABSENT = -1
NOT_PLAIN = -1

_DIGITS = 15  # so many are exact in a float64, and so is the power of ten below them: their quotient is rounded once
_POWERS = 10.0 ** np.arange(_DIGITS + 1)
_IN_TEXT = np.array([32 <= c < 128 and c not in b'"\\' for c in range(256)])
_QUOTE, _OPEN, _CLOSE, _COLON, _COMMA, _POINT = 34, 123, 125, 58, 44, 46


class Words(NamedTuple):
    """A closed list of names, to be found by their bytes: word i is text[start[i]:start[i + 1]]."""

    text: NDArray[np.uint8]
    start: NDArray[np.int64]
    slots: NDArray[np.int16]  # open addressing by `_mix`


# what the type of a field says; `place` is its column in `Found`
LIMIT = np.dtype(
    [("accepts", "u1"), ("place", "u1"), ("shortest", "i4"), ("longest", "i4"), ("least", "f8"), ("most", "f8")]
)
_TOKEN = np.dtype([("field", "i8"), ("what", "i8"), ("begin", "i8"), ("end", "i8"), ("number", "f8")])


class Shape(NamedTuple):
    """What the types say."""

    fields: Words
    kinds: Words
    kind_of: NDArray[np.uint8]  # by place in `kinds`; 0 for one that msgspec has to check
    limits: NDArray[np.void]  # LIMIT by kind and field (its place in `fields`); nothing accepted: no such field
    needs: NDArray[np.uint64]  # by kind: bits of fields
    blank: NDArray[np.float64]  # by kind and place: the number of an absent field


class Found(NamedTuple):
    """By record and place: text as a span of the data (ABSENT to ABSENT when it is none), all else as a number."""

    kind: NDArray[np.uint8]  # 0: not plain
    begin: NDArray[np.int32]
    end: NDArray[np.int32]
    number: NDArray[np.float64]  # NaN for absent, null and text


@njit(inline=True)
def _mix(data: NDArray[np.uint8], begin: int, end: int) -> int:
    n = end - begin
    return 0 if n == 0 else n * 31 + int(data[begin]) * 7 + int(data[begin + n // 2]) * 13 + int(data[end - 1]) * 3


@njit(inline=True)
def _number_of(words: Words, data: NDArray[np.uint8], begin: int, end: int) -> int:
    """The place of a word in its list, or ABSENT."""
    slot = _mix(data, begin, end) & (words.slots.size - 1)
    while words.slots[slot] != ABSENT:
        word = words.slots[slot]
        at = words.start[word]
        if words.start[word + 1] - at == end - begin:
            same = True
            for i in range(end - begin):
                if words.text[at + i] != data[begin + i]:
                    same = False
                    break
            if same:
                return int(word)
        slot = (slot + 1) & (words.slots.size - 1)
    return ABSENT


def words_of(names: tuple[str, ...]) -> Words:
    """A list of names, to be found."""
    texts = [name.encode() for name in names]
    slots = np.full(8 << len(names).bit_length(), ABSENT, np.int16)
    for number, text in enumerate(texts):
        slot = _mix(np.frombuffer(text, np.uint8), 0, len(text)) & (slots.size - 1)
        while slots[slot] != ABSENT:
            slot = (slot + 1) & (slots.size - 1)
        slots[slot] = number
    start = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    return Words(np.frombuffer(b"".join(texts) + b"\x00", np.uint8), start, slots)


@njit(inline=True)
def _skip_space(data: NDArray[np.uint8], i: int) -> int:
    while data[i] == 32 or data[i] == 10 or data[i] == 13 or data[i] == 9:
        i += 1
    return i


@njit(inline=True)
def _end_of_text(data: NDArray[np.uint8], i: int) -> Any:
    """Where the closing quote is, NOT_PLAIN when something else comes first."""
    at = np.uint64(i)  # an unsigned index is not looked at for counting from the end
    while _IN_TEXT[data[at]]:
        at += np.uint64(1)
    return np.int64(at) if data[at] == _QUOTE else NOT_PLAIN


@njit(inline=True)
def _digits(data: NDArray[np.uint8], i: int, whole: int) -> tuple[int, int]:
    """The digits at i behind those of `whole`, and where they end."""
    while data[i] >= 48 and data[i] <= 57:
        whole = whole * 10 + int(data[i]) - 48
        i += 1
    return whole, i


@njit(inline=True)
def _spells(data: NDArray[np.uint8], i: int, a: int, b: int, c: int, d: int) -> bool:
    return bool(data[i] == a and data[i + 1] == b and data[i + 2] == c and data[i + 3] == d)


@njit(inline=True)
def _value(data: NDArray[np.uint8], i: int) -> tuple[int, int, int, float, int]:
    """What is at i (0: nothing plain), its span without quotes, its number, and where it ends."""
    if data[i] == _QUOTE:
        end = _end_of_text(data, i + 1)
        return (0 if end == NOT_PLAIN else TEXT), i + 1, end, np.nan, end + 1
    if data[i] >= 48 and data[i] <= 57:
        whole, end = _digits(data, i, 0)
        decimals = 0
        if data[i] == 48 and end > i + 1:
            return 0, i, i, np.nan, i
        what = WHOLE
        if data[end] == _POINT:
            point = end
            whole, end = _digits(data, point + 1, whole)
            decimals = end - point - 1
            what = DECIMAL if decimals > 0 else 0
        if end - i > _DIGITS or data[end] == 101 or data[end] == 69:
            return 0, i, i, np.nan, i
        return what, ABSENT, ABSENT, whole / _POWERS[decimals], end
    if _spells(data, i, 110, 117, 108, 108):
        return NULL, ABSENT, ABSENT, np.nan, i + 4
    if _spells(data, i, 116, 114, 117, 101):
        return TRUE, ABSENT, ABSENT, 1.0, i + 4
    if data[i] == 102 and _spells(data, i + 1, 97, 108, 115, 101):
        return FALSE, ABSENT, ABSENT, 0.0, i + 5
    return 0, i, i, np.nan, i


@njit(inline=True)
def _tokens(data: NDArray[np.uint8], i: int, stop: int, fields: Words, tokens: NDArray[np.void]) -> int:
    """Put the known fields of the object at i…stop into `tokens`; how many those are, or NOT_PLAIN."""
    n = 0
    seen = np.uint64(0)
    i = _skip_space(data, i)
    if data[i] != _OPEN:
        return NOT_PLAIN
    while True:
        i = _skip_space(data, i + 1)
        if data[i] != _QUOTE:
            return NOT_PLAIN
        begin = i + 1
        end = _end_of_text(data, begin)
        if end == NOT_PLAIN:
            return NOT_PLAIN
        i = _skip_space(data, end + 1)
        if data[i] != _COLON:
            return NOT_PLAIN
        field = _number_of(fields, data, begin, end)
        what, begin, end, number, i = _value(data, _skip_space(data, i + 1))
        if what == 0:
            return NOT_PLAIN
        if field != ABSENT:
            bit = np.uint64(1) << np.uint64(field)
            if seen & bit:
                return NOT_PLAIN  # given twice: the last counts, says msgspec
            seen |= bit
            token = tokens[n]
            token["field"], token["what"], token["number"] = field, what, number
            token["begin"], token["end"] = begin, end
            n += 1
        i = _skip_space(data, i)
        if data[i] == _CLOSE:
            return n if _skip_space(data, i + 1) == stop else NOT_PLAIN
        if data[i] != _COMMA:
            return NOT_PLAIN


@njit(inline=True)
def _event(data: NDArray[np.uint8], n: int, tokens: NDArray[np.void], shape: Shape, found: Found, record: int) -> bool:
    """Hold n fields against their types and put them into their places; whether all is well."""
    kind = 0
    for k in range(n):
        if tokens[k]["field"] == 0 and tokens[k]["what"] == TEXT:  # the field `type`
            word = _number_of(shape.kinds, data, tokens[k]["begin"], tokens[k]["end"])
            kind = 0 if word == ABSENT else int(shape.kind_of[word])
    if kind == 0:
        return False
    begin, end, number = found.begin[record], found.end[record], found.number[record]
    for place in range(number.size):
        begin[place] = end[place] = ABSENT
        number[place] = shape.blank[kind, place]
    needs = shape.needs[kind]
    for k in range(n):
        token = tokens[k]
        limit = shape.limits[kind, token["field"]]
        if limit["accepts"] == 0:
            continue  # not a field of this kind, so no matter
        if limit["accepts"] & token["what"] == 0:
            return False
        if token["what"] == TEXT:
            if not limit["shortest"] <= token["end"] - token["begin"] <= limit["longest"]:
                return False
        elif token["what"] & (WHOLE | DECIMAL) and not limit["least"] <= token["number"] <= limit["most"]:
            return False
        begin[limit["place"]], end[limit["place"]], number[limit["place"]] = (
            token["begin"],
            token["end"],
            token["number"],
        )
        needs &= ~(np.uint64(1) << np.uint64(token["field"]))
    found.kind[record] = kind
    return bool(needs == 0)


@njit
def scan(data: NDArray[np.uint8], start: NDArray[np.int64], longest: int, shape: Shape, found: Found) -> int:
    """Scan the records data[start[i]:start[i + 1] - 1], each followed by a NUL. How many are plain events."""
    tokens = np.empty(shape.fields.start.size, _TOKEN)
    plain = 0
    for record in range(start.size - 1):
        stop = start[record + 1] - 1
        found.kind[record] = 0
        if stop - start[record] > longest:
            continue
        n = _tokens(data, start[record], stop, shape.fields, tokens)
        if n == NOT_PLAIN:
            continue
        if _event(data, n, tokens, shape, found, record):
            plain += 1
        else:
            found.kind[record] = 0
    return plain


@njit
def listed(data: NDArray[np.uint8], begin: Any, end: Any, words: Words, out: NDArray[np.int64]) -> None:
    """The place of each text in a list, ABSENT for one that isn't in it or no text."""
    for i in range(out.size):
        out[i] = ABSENT if begin[i] == ABSENT else _number_of(words, data, begin[i], end[i])


@njit
def _copy(data: NDArray[np.uint8], begin: Any, end: Any, out: NDArray[np.uint8]) -> None:
    at = 0
    for i in range(begin.size):
        for k in range(begin[i], end[i]):
            out[at] = data[k]
            at += 1
        at += 1


def joined(data: NDArray[np.uint8], begin: NDArray[np.int32], end: NDArray[np.int32]) -> bytes:
    """The spans, joined by NUL."""
    out = np.zeros(int((end - begin).sum()) + begin.size, np.uint8)
    _copy(data, begin, end, out)
    return out[:-1].tobytes()
