"""Raw record values → a batch of events as columns, and dead letters. The hot path.

Owns: the order of the checks, and that a bad record costs itself only. A plain event is decoded and checked by its
type in one call; whatever fails there is looked at again, slowly, as a foreign form, and explained if it is none.
Knows nothing of Kafka, nor of what an event does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.batch import NONE, Batch, merged
from stream.core.events import STRUCTS, AnyEvent, ClockAdvanced
from stream.core.hashing import spans
from stream.core.kinds import Kind
from stream.core.money import Converter
from stream.wire import forms, plain, times
from stream.wire.columns import columns
from stream.wire.dead import MAX_BYTES, DeadLetter, Headers, Reason
from stream.wire.explain import Refusal, explain, found, unknown_type
from stream.wire.group import Refused, Structs, instants, joined, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from stream.core.policy import Policy

UNION: Any = reduce(or_, STRUCTS.values())
_decode: Callable[[bytes], AnyEvent] = msgspec.json.Decoder(UNION).decode
_decode_any: Callable[[bytes], Any] = msgspec.json.Decoder().decode
_STRUCT_OF = {kind.name: struct for kind, struct in STRUCTS.items()}
_KIND_OF = {struct: int(kind) for kind, struct in STRUCTS.items()}

Keys: TypeAlias = "Sequence[bytes | None]"
HeadersOf: TypeAlias = "Callable[[int], Headers | None]"


@dataclass(slots=True)
class _Read:
    """The events that could be read, and of each its record's index, key (None: not checked) and timestamp."""

    events: Sequence[AnyEvent]
    record: NDArray[np.int32]
    keys: Keys | None
    stamps_ms: NDArray[np.int64]

    def without(self, positions: set[int]) -> _Read:
        keep = [i for i in range(len(self.events)) if i not in positions]
        keys = None if self.keys is None else [self.keys[i] for i in keep]
        return _Read([self.events[i] for i in keep], self.record[keep], keys, self.stamps_ms[keep])


def decode(
    values: Sequence[bytes | None],
    keys: Keys | None,
    stamps_ms: Sequence[int] | int,
    headers: HeadersOf | None,
    policy: Policy,
) -> tuple[Batch, list[DeadLetter]]:
    """Decode records in offset order: the events as columns, and a dead letter for each record that is none.

    `keys` None: a file, no key check. `stamps_ms`: the records' timestamps (epoch ms), or one for all. `headers` gives
    those of a record by its index. Every record is either in `Batch.record` or among the dead letters, never both.
    Raises nothing, whatever the input.
    """
    stamps = np.broadcast_to(np.asarray(stamps_ms, np.int64), (len(values),))
    batch, others = plain.read(values, keys, stamps, policy, converter(policy))
    if not others.size:
        return batch, []
    slow, dead = one_by_one(values, keys, stamps, headers, policy, others)
    return merged(batch, slow), dead


def one_by_one(
    values: Sequence[bytes | None],
    keys: Keys | None,
    stamps_ms: NDArray[np.int64],
    headers: HeadersOf | None,
    policy: Policy,
    records: NDArray[np.int64],
) -> tuple[Batch, list[DeadLetter]]:
    """The same for the records of these indices, with an object for each event."""
    at = records.tolist()
    events, refused = _read([values[i] for i in at], None if headers is None else lambda i: headers(at[i]))
    read = _Read(events, records.astype(np.int32), None if keys is None else [keys[i] for i in at], stamps_ms[at])
    batch, dead = None, []
    while batch is None:
        if refused.by_position:
            dead += [DeadLetter(int(read.record[i]), *why) for i, why in refused.by_position.items()]
            read = read.without(set(refused.by_position))
        batch, refused = _assemble(read, policy)
    return batch, sorted(dead, key=lambda letter: letter.record)


_REFUSED = ClockAdvanced(time=0)  # stands in for an event that could not be read, until it is dropped


def _read(values: Sequence[bytes | None], headers: HeadersOf | None) -> tuple[list[AnyEvent], Refused]:
    """An event for each value; where there is none, a stand-in that is refused."""
    texts: Sequence[bytes] = values if all(values) else [value or b"" for value in values]  # type: ignore[assignment]
    large: set[int] = set()
    if max(map(len, texts), default=0) > MAX_BYTES:
        large = {i for i, text in enumerate(texts) if len(text) > MAX_BYTES}
        texts = [b"" if i in large else text for i, text in enumerate(texts)]
    events: list[AnyEvent] = []
    refused = Refused()
    supply = iter(texts)
    while len(events) < len(texts):
        try:
            for text in supply:
                events.append(_decode(text))  # noqa: PERF401  # what was read before a failure has to stay
        except (ValueError, RecursionError) as problem:
            i = len(events)
            if i in large:
                second: AnyEvent | Refusal = Reason.too_large, f"{len(values[i] or b''):,} bytes, at most {MAX_BYTES:,}"
            else:
                second = _second_look(texts[i], headers(i) if headers else None, problem)
            if isinstance(second, tuple):
                refused.add(i, *second)
            events.append(_REFUSED if isinstance(second, tuple) else second)
    return events, refused


def _second_look(text: bytes, headers: Headers | None, problem: Exception) -> AnyEvent | Refusal:
    """A record that is no plain event: the event that it is in a foreign form, else why it is none."""
    named = {name: (value or b"").decode(errors="replace") for name, value in headers or () if name.startswith("ce_")}
    if not text and not named:
        return Reason.not_json, "the record is empty"
    try:
        content = _decode_any(text) if text else None
    except msgspec.ValidationError:  # a number that no reader can hold
        content = {}
    except (ValueError, RecursionError) as no_json:
        return explain(no_json, None)
    plain = forms.plain(content, named)
    if plain is None:
        return explain(problem, content)
    kind = str(plain.get("type"))
    if kind not in _STRUCT_OF:  # converting to the union would say so, at 30 times the price
        return unknown_type(plain)
    try:
        return msgspec.convert(plain, _STRUCT_OF[kind])
    except (ValueError, RecursionError) as wrong:
        return explain(wrong, plain)


def _assemble(read: _Read, policy: Policy) -> tuple[Batch | None, Refused]:
    """The batch, or the events that must go before there can be one."""
    events, n, refused = read.events, len(read.events), Refused()
    customers, identities = joined([event.customer_id for event in events]), _identities(events)
    if customers is None or identities is None:
        _refuse_nul(events, refused)
        return None, refused
    if read.keys is not None:
        _check_keys(read.keys, events, customers, refused)
    time_ms = _times(read, refused)
    kind = np.fromiter(map(_KIND_OF.__getitem__, map(type, events)), np.uint8, n)
    money = converter(policy)

    def group(_: int, at: NDArray[np.int64]) -> Structs:
        return Structs(at, money, refused, events if at.size == n else [events[i] for i in at.tolist()])

    amount, x, y, ref = columns(kind, group)
    if refused.by_position:
        return None, refused
    _set_categories(ref, kind, events, policy)
    start, customer_hash = spans(customers, n)
    batch = Batch(
        record=read.record,
        kind=kind,
        time_ms=time_ms,
        customers=customers,
        customer_start=start,
        customer_hash=customer_hash,
        event_hash=spans(identities, n)[1],
        segment=_segments(events, policy),
        variant=_variants(events, policy),
        amount=amount,
        x=x,
        y=y,
        ref=ref,
    )
    return batch, refused


def _identities(events: Sequence[AnyEvent]) -> bytes | None:
    r"""Source + \x1f + id of every event, joined by NUL; None when one holds a NUL."""
    sources = [event.source for event in events]
    ids = [event.id for event in events]
    if len(set(sources)) <= 1:
        before = f"{sources[0] or ''}\x1f" if sources else ""
        data = (before + f"\x00{before}".join(ids)).encode()
        return data if data.count(0) == max(len(ids) - 1, 0) else None
    return joined([f"{source or ''}\x1f{name}" for source, name in zip(sources, ids, strict=True)])


def _refuse_nul(events: Sequence[AnyEvent], refused: Refused) -> None:
    for i, event in enumerate(events):
        for name in ("customer_id", "id", "source"):
            if "\x00" in (getattr(event, name) or ""):
                refused.add(i, Reason.bad_field, f"{name}: must not contain the character NUL")


def _check_keys(keys: Keys, events: Sequence[AnyEvent], customers: bytes, refused: Refused) -> None:
    """A record's key is the customer's id, so that all of a customer is in one partition."""
    if None not in keys and b"\x00".join(keys) == customers:  # type: ignore[arg-type]
        return
    for i, (key, event) in enumerate(zip(keys, events, strict=True)):
        if isinstance(event, ClockAdvanced) or key == event.customer_id.encode():
            continue
        seen = "no key" if key is None else found(key.decode(errors="backslashreplace"))
        refused.add(i, Reason.key_mismatch, f"key: expected the customer_id {found(event.customer_id)}, found {seen}")


def _times(read: _Read, refused: Refused) -> NDArray[np.int64]:
    written = [event.time for event in read.events]
    time_ms = instants(written)
    for i in np.flatnonzero(~times.timely(time_ms, read.stamps_ms)).tolist():
        seen = found(written[i])
        if time_ms[i] == times.UNREADABLE:
            refused.add(i, Reason.bad_field, unreadable("time", written[i]))
        elif time_ms[i] < times.EARLIEST_MS:
            refused.add(i, Reason.time_absurd, f"time: before 1990 (seconds for milliseconds?), found {seen}")
        else:
            minutes = (int(time_ms[i]) - int(read.stamps_ms[i])) / 60_000
            detail = (
                f"time: at most 10 minutes after its record, found {seen}, which is {minutes:,.1f} minutes after it"
            )
            refused.add(i, Reason.time_absurd, detail)
    return time_ms


def _segments(events: Sequence[AnyEvent], policy: Policy) -> NDArray[np.int16]:
    names = [event.segment for event in events]
    codes = {name: policy.segment_code(name) if name else NONE for name in set(names)}
    return np.fromiter(map(codes.__getitem__, names), np.int16, len(names))


def _variants(events: Sequence[AnyEvent], policy: Policy) -> NDArray[np.uint8]:
    places = {name: place for place, name in enumerate(policy.figures.variants, 1)}
    return np.fromiter((places.get(event.variant or "", 0) for event in events), np.uint8, len(events))


def _set_categories(
    ref: NDArray[np.uint64], kind: NDArray[np.uint8], events: Sequence[AnyEvent], policy: Policy
) -> None:
    """The bits of an order's categories; those that aren't listed say nothing. A list makes an event not plain."""
    if policy.figures.categories:
        bits = {name: 1 << place for place, name in enumerate(policy.figures.categories)}
        for i in np.flatnonzero(kind == Kind.order_completed).tolist():
            ref[i] = sum(bits.get(name, 0) for name in {*(events[i].categories or ())})  # type: ignore[union-attr,misc]


def converter(policy: Policy) -> Converter:
    """What turns amounts into the policy's currency."""
    return _converter(policy.currency, tuple(policy.rates.items()))


@lru_cache(maxsize=16)
def _converter(currency: str, rates: tuple[tuple[str, Decimal], ...]) -> Converter:
    return Converter(currency, dict(rates))
