"""Plain events → columns without an object for each, which was most of the hot path's time.

Owns: which records are plain. That is less than what is right: any record that is no flat object of known and simple
values, or in which anything at all is wrong, is left to `wire.decode`, which has the last word on it. What is taken
here comes out as it would there, to the bit: `tests/wire/fuzz.py` holds both against each other. Limits are read off
the types.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.batch import NONE, Batch
from stream.core.events import STRUCTS
from stream.core.hashing import SEPARATOR, hash_pairs, hash_spans, spans
from stream.core.kinds import NAMES, Kind
from stream.wire import scanning, times
from stream.wire.columns import columns, fields_of
from stream.wire.dead import MAX_BYTES, Reason
from stream.wire.group import Group, Ints, Refused
from stream.wire.scanning import (
    ABSENT,
    DECIMAL,
    FALSE,
    FOREIGN,
    LIMIT,
    NULL,
    TEXT,
    TRUE,
    WHOLE,
    Found,
    Shape,
    Words,
    words_of,
)
from stream.wire.times import timely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.core.money import Converter
    from stream.core.policy import Policy

T = TypeVar("T", bound=np.generic)

COMMON = ("id", "customer_id", "time", "source", "segment", "variant")  # in these places whatever the kind
_BITS = 64
_UNIT_SEPARATOR = 0x1F  # between source and id
_TYPES = msgspec.inspect
_CHECKED_BY_ITSELF = {kind for kind, struct in STRUCTS.items() if hasattr(struct, "__post_init__")}
_OF_NOBODY = {Kind.clock_advanced}


@cache
def _shape() -> tuple[Shape, dict[Kind, dict[str, int]]]:
    """The types as numbers, and the place of each field by kind."""
    infos: dict[Kind, Any] = {kind: _TYPES.type_info(struct) for kind, struct in STRUCTS.items()}
    names = ("type", *dict.fromkeys(field.encode_name for info in infos.values() for field in info.fields))
    assert len(names) <= _BITS, "a record's fields are bits of one integer"
    size, most = (len(Kind) + 1, len(names)), len(COMMON) + max(len(fields_of(kind)) for kind in Kind)
    limits = np.zeros(size, LIMIT)
    limits["longest"], limits["least"], limits["most"] = np.iinfo(np.int32).max, -np.inf, np.inf
    shape = Shape(
        words_of(names),
        words_of(NAMES),
        np.array([0 if k in _CHECKED_BY_ITSELF | _OF_NOBODY else k for k in map(Kind.__getitem__, NAMES)], np.uint8),
        limits,
        np.zeros(size[0], np.uint64),
        np.full((size[0], most + 1), np.nan),  # what nobody asks for goes to the last place
    )
    places: dict[Kind, dict[str, int]] = {}
    for kind, info in infos.items():
        fields = {field.encode_name: field for field in info.fields}
        places[kind] = {name: place for place, name in enumerate(dict.fromkeys((*COMMON, *fields_of(kind))))}
        for name, field in fields.items():
            number, place = names.index(name), places[kind].get(name, most)
            limits[kind, number]["place"] = place
            if field.required:
                shape.needs[kind] |= np.uint64(1 << number)
            elif isinstance(field.default, bool):
                shape.blank[kind, place] = field.default
            _limit(limits[kind, number], field.type)
    return shape, places


def _limit(limit: Any, wanted: Any) -> None:
    """Say what a field accepts; where that takes more than a range or a length, msgspec has to look."""
    match wanted:
        case _TYPES.Metadata():
            _limit(limit, wanted.type)
        case _TYPES.UnionType():
            for one in wanted.types:
                _limit(limit, one)
        case _TYPES.NoneType():
            limit["accepts"] |= NULL
        case _TYPES.BoolType():
            limit["accepts"] |= TRUE | FALSE
        case _TYPES.StrType(pattern=None):
            limit["accepts"] |= TEXT
            limit["shortest"] = wanted.min_length or 0
            limit["longest"] = limit["longest"] if wanted.max_length is None else wanted.max_length
        case _TYPES.IntType(gt=None, lt=None, multiple_of=None) | _TYPES.FloatType(gt=None, lt=None, multiple_of=None):
            limit["accepts"] |= WHOLE if isinstance(wanted, _TYPES.IntType) else WHOLE | DECIMAL
            limit["least"] = -np.inf if wanted.ge is None else wanted.ge
            limit["most"] = np.inf if wanted.le is None else wanted.le
        case _:
            limit["accepts"] |= FOREIGN


@lru_cache(maxsize=64)
def _listed(names: tuple[str, ...]) -> Words:
    return words_of(names)


@dataclass
class Spans(Group):
    """Events of one kind where they lie in the joined records; `rows` are theirs in `found`."""

    text: bytes
    found: Found
    rows: NDArray[np.int64] | slice
    places: dict[str, int]

    @property
    def data(self) -> NDArray[np.uint8]:
        """The joined records."""
        return np.frombuffer(self.text, np.uint8)

    def _of(self, column: NDArray[T], name: str) -> NDArray[T]:
        # contiguous, whatever `rows` is: another layout would be compiled for anew, in the middle of the work
        return np.ascontiguousarray(column[:, self.places[name]][self.rows])

    def span(self, name: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where a field's text begins (ABSENT without one) and ends."""
        return self._of(self.found.begin, name), self._of(self.found.end, name)

    def numbers(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """See Group. Lists are not plain."""
        numbers = self._of(self.found.number, name)
        missing = np.isnan(numbers)
        return np.where(missing, 0, numbers), missing

    def texts(self, name: str) -> list[str | None]:
        """See Group."""
        pairs = zip(*(ends.tolist() for ends in self.span(name)), strict=True)
        return [None if begin == ABSENT else self.text[begin:end].decode() for begin, end in pairs]

    def hashes(self, name: str) -> NDArray[np.uint64]:
        """See Group."""
        hashes = np.empty(len(self), np.uint64)
        hash_spans(self.data, *self.span(name), hashes)
        return hashes

    def instants(self, name: str) -> tuple[Ints, NDArray[np.bool_]]:
        """See Group."""
        begin, end = self.span(name)
        number = self._of(self.found.number, name)
        when = np.empty(len(self), np.int64)
        times.parse_spans(self.data, begin, end, number, when)
        self.refuse(when == times.UNREADABLE, Reason.bad_field, lambda _: name)
        return when, (begin == ABSENT) & np.isnan(number)

    def listed(self, name: str, names: tuple[str, ...]) -> Ints:
        """The place of a field's text in a list, ABSENT for one that isn't in it, or without one."""
        places = np.empty(len(self), np.int64)
        scanning.listed(self.data, *self.span(name), _listed(names), places)
        return places

    def codes(self, name: str, codes: dict[str, int], default: int) -> Ints:
        """See Group."""
        place = self.listed(name, tuple(codes))
        return np.array([*codes.values(), default], np.int64)[place]  # ABSENT is the last one

    @cached_property
    def currencies(self) -> tuple[list[str], set[str]]:
        """See Group."""
        known = tuple(self.money.known)
        place = self.listed("currency", known)
        place[self.span("currency")[0] == ABSENT] = known.index(self.money.currency)
        self.refuse(place == ABSENT, Reason.bad_field, lambda _: "currency")
        place[place == ABSENT] = known.index(self.money.currency)
        distinct = {known[i] for i in np.flatnonzero(np.bincount(place)).tolist()}
        return ([*distinct] * len(self) if len(distinct) == 1 else [known[i] for i in place.tolist()]), distinct


def read(
    values: Sequence[bytes | None],
    keys: Sequence[bytes | None] | None,
    stamps_ms: NDArray[np.int64],
    policy: Policy,
    money: Converter,
) -> tuple[Batch, NDArray[np.int64]]:
    """The plain events among the records, and the indices of all other records."""
    texts: Sequence[bytes] = values if all(values) else [value or b"" for value in values]  # type: ignore[assignment]
    text = SEPARATOR.join([*texts, b""])
    start = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1, out=start[1:])
    shape, _ = _shape()
    n, places = len(texts), shape.blank.shape[1]
    found = Found(
        np.empty(n, np.uint8), np.empty((n, places), np.int32), np.empty((n, places), np.int32), np.empty((n, places))
    )
    scanning.scan(np.frombuffer(text, np.uint8), start, MAX_BYTES, shape, found)
    at = np.flatnonzero(found.kind)
    batch = None
    while batch is None:
        refused = Refused()
        batch = _assemble(text, found, at, keys, stamps_ms, policy, money, refused)
        at = np.delete(at, list(refused.by_position))
    left = np.ones(n, bool)
    left[at] = False
    return batch, np.flatnonzero(left)


def _assemble(
    text: bytes,
    found: Found,
    at: NDArray[np.int64],
    keys: Sequence[bytes | None] | None,
    stamps_ms: NDArray[np.int64],
    policy: Policy,
    money: Converter,
    refused: Refused,
) -> Batch | None:
    """The batch of the records `at`, None when some of them are refused after all."""
    n, kind = at.size, found.kind[at]

    def group(number: int, positions: NDArray[np.int64]) -> Spans:
        rows = slice(None) if positions.size == found.kind.size else at[positions]
        return Spans(positions, money, refused, text, found, rows, _shape()[1][Kind(number)])

    everybody = group(Kind.session, np.arange(n))  # any kind: for what all have in common
    time_ms, _ = everybody.instants("time")
    everybody.refuse(~timely(time_ms, stamps_ms[at]), Reason.time_absurd, lambda _: "time")
    customers = scanning.joined(everybody.data, *everybody.span("customer_id"))
    if keys is not None:
        _check_keys(keys, at, customers, refused)
    amount, x, y, ref = columns(kind, group)
    if refused.by_position:
        return None
    start, customer_hash = spans(customers, n)
    event_hash = np.empty(n, np.uint64)
    hash_pairs(everybody.data, *everybody.span("source"), *everybody.span("id"), _UNIT_SEPARATOR, event_hash)
    return Batch(
        record=at.astype(np.int32),
        kind=kind,
        time_ms=time_ms,
        customers=customers,
        customer_start=start,
        customer_hash=customer_hash,
        event_hash=event_hash,
        segment=_segments(everybody, policy),
        variant=_variants(everybody, policy),
        amount=amount,
        x=x,
        y=y,
        ref=ref,
    )


def _check_keys(keys: Sequence[bytes | None], at: NDArray[np.int64], customers: bytes, refused: Refused) -> None:
    mine = keys if at.size == len(keys) else [keys[i] for i in at.tolist()]
    if None not in mine and SEPARATOR.join(mine) == customers:  # type: ignore[arg-type]
        return
    for position, (key, customer) in enumerate(zip(mine, customers.split(SEPARATOR), strict=True)):
        if key != customer:
            refused.add(position, Reason.key_mismatch, "")


def _segments(everybody: Spans, policy: Policy) -> NDArray[np.int16]:
    """The code of each event's segment: one that isn't listed is `other`, the first; an empty one is none."""
    begin, end = everybody.span("segment")
    code = np.maximum(everybody.listed("segment", policy.segments), 0).astype(np.int16)
    code[(begin == ABSENT) | (begin == end)] = NONE
    return code


def _variants(everybody: Spans, policy: Policy) -> NDArray[np.uint8]:
    """The place of each event's variant in the policy's list, plus 1; one that isn't listed says nothing."""
    if not policy.figures.variants:
        return np.zeros(len(everybody), np.uint8)
    return (everybody.listed("variant", policy.figures.variants) + 1).astype(np.uint8)
